"""The runs of an agent that started last, whatever the range."""

from dataclasses import dataclass

from formicary.resolvers import run_page
from formicary.resolvers.page import PageArgs
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.runs import NEWEST_FIRST

from .panels import Panel
from .run_columns import COLUMNS, Column
from .run_rows import RunRow, rows
from .visit import Visit
from .visited_agent import visited_agent

MOST = 10

SHOWN = ("started", "status", "version", "model", "duration", "tokens", "cost", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRunsContext:
    """The newest first."""

    agent_id: int
    columns: dict[str, Column]
    rows: list[RunRow]


async def read(visit: Visit) -> AgentRunsContext:
    agent = (await visited_agent(visit)).agent
    where = RunFilter(agent_id=(agent.id,))
    newest = await run_page.page(visit.database, visit.scope, PageArgs(first=MOST), where, NEWEST_FIRST)
    return AgentRunsContext(
        agent_id=agent.id,
        columns={name: COLUMNS[name] for name in SHOWN},
        rows=await rows(visit.loaders(), newest.items),
    )


RUNS = Panel(name="runs", template="agent_runs.html", read=read)
