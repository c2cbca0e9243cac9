"""What happened last, the newest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from formicary.resolvers import activities
from formicary.resolvers.activities import Activity
from formicary.resolvers.loaders import Loaders

from .panels import Panel
from .visit import Visit

SHOWN = 20


@dataclass(frozen=True, slots=True)
class NamedActivity:
    """With the name of the agent for people."""

    activity: Activity
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityContext:
    activities: list[NamedActivity]


async def read(visit: Visit) -> ActivityContext:
    """Of the last runs there are, whatever the range."""
    found = await activities.recent(visit.database, visit.scope, SHOWN, visit.where)
    return ActivityContext(activities=await named(found, visit.loaders()))


async def named(found: Sequence[Activity], loaders: Loaders) -> list[NamedActivity]:
    agents = await loaders.agent.load_many([activity.run.agent_id for activity in found])
    return [
        NamedActivity(activity, agent.display_name if agent else "–")
        for activity, agent in zip(found, agents, strict=True)
    ]


ACTIVITY = Panel(name="activity", template="overview_activity.html", read=read)
