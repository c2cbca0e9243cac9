"""The runs that belong to a run: the one that called it, those that it called, those of its session and its trace."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from formicary.resolvers import run_page
from formicary.resolvers.loaders import Loaders
from formicary.resolvers.page import PageArgs
from formicary.resolvers.ranges import TimeRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.runs import NEWEST_FIRST, Run

from .panels import Panel
from .place import Value
from .run_columns import COLUMNS, Column
from .run_query import write_run_key
from .run_rows import RunRow, rows
from .visit import Visit
from .visited_run import visited_run

MOST = 20
AROUND = timedelta(days=200)
"""So far from a run those are looked for that belong to it: together the longest range that a list may have."""

SHOWN = ("started", "status", "agent", "version", "duration", "tokens", "cost", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Runs that a run has something to do with, the newest first: of `total` the first, and the list of all."""

    title: str
    rows: list[RunRow]
    total: int
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationsContext:
    """`relations` are without those in which the run is alone; `missing_parent` is one that is not recorded."""

    run: Run
    columns: dict[str, Column]
    parent: RunRow | None
    missing_parent: str | None
    relations: list[Relation]


async def read(visit: Visit) -> RelationsContext:
    loaders = visit.loaders()
    run = (await visited_run(visit, loaders)).run
    parent, *relations = await asyncio.gather(
        _parent(run, loaders), _called(visit, run), _of_session(visit, run), _of_trace(visit, run)
    )
    return RelationsContext(
        run=run,
        columns={name: COLUMNS[name] for name in SHOWN},
        parent=parent,
        missing_parent=None if parent else await _missing_parent(run, loaders),
        relations=[relation for relation in relations if relation],
    )


async def _parent(run: Run, loaders: Loaders) -> RunRow | None:
    if run.parent_agent_id is None or run.parent_external_id is None:
        return None
    parent = await loaders.run_by_external_id.load((run.parent_agent_id, run.parent_external_id))
    return (await rows(loaders, [parent]))[0] if parent else None


async def _missing_parent(run: Run, loaders: Loaders) -> str | None:
    """Its external id, unless it is of an agent that the visitor may not see."""
    agent = None if run.parent_agent_id is None else await loaders.agent.load(run.parent_agent_id)
    return run.parent_external_id if agent else None


async def _called(visit: Visit, run: Run) -> Relation | None:
    if run.external_id is None:
        return None
    key = run.agent_id, run.external_id
    return await _relation(visit, run, "Runs that it called", RunFilter(parent=key), parent=write_run_key(key))


async def _of_session(visit: Visit, run: Run) -> Relation | None:
    if run.session_id is None:
        return None
    where = RunFilter(session=(run.session_id,))
    return await _relation(visit, run, "Runs of the same session", where, session=run.session_id)


async def _of_trace(visit: Visit, run: Run) -> Relation | None:
    if run.trace_id is None:
        return None
    where = RunFilter(trace_id=run.trace_id)
    return await _relation(visit, run, "Runs of the same trace", where, trace_id=run.trace_id)


async def _relation(visit: Visit, run: Run, title: str, where: RunFilter, **filters: Value) -> Relation | None:
    """None where the run itself is the only one; `filters` are the same as `where`, for the address."""
    from_, to = run.started_at - AROUND, run.started_at + AROUND
    where = replace(where, project=visit.place.project, range=TimeRange(from_=from_, to=to))
    page = await run_page.page(visit.database, visit.scope, PageArgs(first=MOST), where, NEWEST_FIRST)
    if all(each.id == run.id for each in page.items):
        return None
    total = await run_page.count(visit.database, visit.scope, where) if page.has_next else len(page.items)
    found = await rows(visit.loaders(), page.items)
    return Relation(title=title, rows=found, total=total, href=visit.place.during(from_, to, **filters))


RELATIONS = Panel(name="relations", template="run_relations.html", read=read)
