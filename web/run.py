"""One run: all that is known of it, the runs that belong to it, and the way to those before and after."""

import asyncio
from dataclasses import dataclass

from formicary.resolvers import run_page
from formicary.resolvers.page import PageArgs
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.runs import NEWEST_FIRST, Run

from .pages import Page
from .run_details import RUN
from .run_relations import RELATIONS
from .run_rows import RunRow
from .visit import Visit
from .visited_run import visited_run


@dataclass(frozen=True, slots=True, kw_only=True)
class PageContext:
    """`older` and `newer` are the neighbours among the runs of the agent, by their start."""

    row: RunRow
    older: Run | None
    newer: Run | None


async def read(visit: Visit) -> PageContext:
    """Raises NotFoundError."""
    visited = await visited_run(visit, visit.loaders())
    cursor = NEWEST_FIRST.cursor(visited.run, visited.run.id)
    older, newer = await asyncio.gather(
        _neighbour(visit, visited.run, PageArgs(first=1, after=cursor)),
        _neighbour(visit, visited.run, PageArgs(last=1, before=cursor)),
    )
    return PageContext(row=visited.row, older=older, newer=newer)


async def _neighbour(visit: Visit, run: Run, args: PageArgs) -> Run | None:
    of_agent = RunFilter(agent_id=(run.agent_id,))
    page = await run_page.page(visit.database, visit.scope, args, of_agent, NEWEST_FIRST)
    return page.items[0] if page.items else None


PAGE = Page(
    path="/runs/{agent_id:int}/{run_id:int}",
    template="run.html",
    title="Run",
    nav="runs",
    panels=(RUN, RELATIONS),
    read=read,
    has_period=False,
    has_project=False,
)
