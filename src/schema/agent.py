"""Agents in the API."""

from typing import Annotated, Any, TypeAlias

import strawberry

from ..resolvers import agents
from ..resolvers.agents import AgentStatus
from ..resolvers.loaders import VersionsKey
from ..resolvers.page import PageArgs
from ..resolvers.question import Dimension
from .breakdown import BreakdownRow, breakdown_of
from .context import Info
from .error_group import ErrorGroup, top_errors_of
from .history import HistoryPoint, history_of
from .lifetime import Lifetime, lifetime_of
from .metrics import Metrics, metrics_of
from .node import Node, global_id
from .paging import After, Before, Connection, First, Last, Listing
from .pheromone import PheromonePoint, pheromone_history
from .project import Project
from .run import RunConnection, RunError, runs_by
from .scalars import BigInt, DateTime
from .trend import TREND, Trend, trend_of_agent
from .version import AgentVersion, AgentVersionConnection

Parent = strawberry.Parent[agents.Agent]


def _id(root: Parent) -> strawberry.ID:
    return global_id("Agent", root.id)


async def _project(root: Parent, info: Info) -> Any:
    return await info.context.loaders.project.load(root.project_id)


async def _latest_version(root: Parent, info: Info) -> Any:
    return await info.context.loaders.latest_version.load(root.id)


async def _version(
    root: Parent, info: Info, version: Annotated[str, strawberry.argument(description="The version's name.")]
) -> Any:
    return await info.context.loaders.version_by_name.load((root.id, version))


async def _versions(
    root: Parent, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Any:
    loaders = info.context.loaders
    page = await loaders.versions.load(VersionsKey(root.id, PageArgs(first, after, last, before)))
    return Listing(page, lambda: loaders.version_count.load(root.id))


@strawberry.type(description="Who runs. Named by its project and name; known from its first run or registration on.")
class Agent(Node):
    id: strawberry.ID = strawberry.field(resolver=_id, description="The global id.")
    name: str = strawberry.field(description="The name by which runs refer to it.")
    display_name: str = strawberry.field(description="The name for people; the name where none was set.")
    project: Project = strawberry.field(resolver=_project, description="The project it belongs to.")
    focus_type: str | None = strawberry.field(description="What it is for.")
    status: AgentStatus = strawberry.field(description="How it stands at this moment.")
    pheromone_score: float = strawberry.field(
        description="How well it does, 0 to 1. The score that was reported last, by the run that started last or by "
        "`updateAgent`. Where none ever was it is computed: it begins at 0.5; each run that succeeded, "
        "failed or timed out moves it towards the run's quality, by 5 % of the way; idle time takes it back to 0.5, "
        "half of the way in 7 days. A failed run's quality is 0, that of a succeeded one the mean, weighted by 0.7, "
        "0.2 and 0.1, of 1 for its success, m / (m + d) for its duration d and likewise for its cost, where m is the "
        "agent's median of the 7 days before; what is unknown does not count. The numbers are settings."
    )
    pheromone_history: list[PheromonePoint] = strawberry.field(
        resolver=pheromone_history, description="The score hour by hour, without gaps, the current hour last."
    )
    consecutive_failures: int = strawberry.field(
        description="Failed and timed out runs that started after the last succeeded one did."
    )
    created_at: DateTime = strawberry.field(description="When it was first registered.")
    last_active_at: DateTime | None = strawberry.field(
        description="The latest end of its runs, or start of one that has not ended; null before any."
    )
    uptime_seconds: BigInt = strawberry.field(description="Seconds since it was first registered.")
    last_error: RunError | None = strawberry.field(
        description="Of the failed or timed out run that started last; null if none ever failed."
    )
    latest_version: AgentVersion | None = strawberry.field(
        resolver=_latest_version, description="The version that was registered last."
    )
    version: AgentVersion | None = strawberry.field(resolver=_version, description="One version by its name.")
    versions: AgentVersionConnection = strawberry.field(
        resolver=_versions, description="Its versions, the one registered last first."
    )
    runs: RunConnection = strawberry.field(resolver=runs_by("agent_id"), description="Its runs over all versions.")
    metrics: Metrics = strawberry.field(
        resolver=metrics_of(Dimension.AGENT), description="Figures of its runs over all versions."
    )
    history: list[HistoryPoint] = strawberry.field(
        resolver=history_of(Dimension.AGENT), description="The same bucket by bucket, without gaps."
    )
    breakdown: list[BreakdownRow] = strawberry.field(
        resolver=breakdown_of(Dimension.AGENT), description="The same by a dimension, the most runs first."
    )
    top_errors: list[ErrorGroup] = strawberry.field(
        resolver=top_errors_of(Dimension.AGENT), description="What its failed runs failed of, the most frequent first."
    )
    trend: Trend = strawberry.field(resolver=trend_of_agent, description=TREND)
    lifetime: Lifetime = strawberry.field(
        resolver=lifetime_of(Dimension.AGENT), description="Figures of all its runs ever."
    )

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, agents.Agent)


AgentConnection: TypeAlias = Connection[Agent]
