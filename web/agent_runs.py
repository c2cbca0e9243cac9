"""The runs of an agent that started last, whatever the range."""

from dataclasses import dataclass

from formicary.resolvers import activities
from formicary.resolvers.activities import Activity
from formicary.resolvers.run_filter import RunFilter

from .panels import Panel
from .visit import Visit
from .visited_agent import visited_agent

MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRunsContext:
    """The newest first."""

    agent_id: int
    activities: list[Activity]


async def read(visit: Visit) -> AgentRunsContext:
    agent = (await visited_agent(visit)).agent
    recent = await activities.recent(visit.database, visit.scope, MOST, RunFilter(agent_id=(agent.id,)))
    return AgentRunsContext(agent_id=agent.id, activities=recent)


RUNS = Panel(name="runs", template="agent_runs.html", read=read)
