"""The agents as cards, best pheromone score first, or as a table that can be sorted."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from formicary.resolvers import agent_cards, agents
from formicary.resolvers.agent_cards import AgentRow
from formicary.resolvers.agents import Agent, AgentStatus
from formicary.resolvers.page import PageArgs
from formicary.resolvers.question import Dimension
from formicary.rollups.pheromone_formula import Formula

from . import download
from .agent_query import BEST_FIRST, PAGE_SIZE, TABLE, AgentQuery
from .chip import Chip
from .download import Download
from .first_run import first_run
from .heading import Heading
from .pages import Page
from .panels import Panel
from .place import Place
from .visit import Visit

FAILING_NAMED = 8


@dataclass(frozen=True, slots=True)
class Column:
    """Of the table. `order` is the one that it can be sorted by, `descending` how it is at first."""

    label: str
    order: str | None = None
    descending: bool = False
    is_number: bool = False


COLUMNS = (
    Column("Name", "name"),
    Column("Project", "project"),
    Column("Status", "status"),
    Column("Score", "score", descending=True, is_number=True),
    Column("Last seen", "last_seen", descending=True),
    Column("Version", "version", descending=True),
    Column("Avg runtime", "runtime", descending=True, is_number=True),
    Column("Success rate", "success_rate", is_number=True),
    Column("Runs", "runs", descending=True, is_number=True),
    Column("Spend", "spend", descending=True, is_number=True),
    Column("Tools"),
    Column("Models"),
    Column("Cluster", "cluster"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterContext:
    """What the agents are filtered by; `statuses` and `focus_types` are those that can be added."""

    search: str | None
    statuses: list[AgentStatus]
    focus_types: list[str]
    chips: list[Chip]
    view: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsContext:
    """`failing` are the first of the `failing_count` agents that need a person; `first_run` a command for a shell."""

    rows: list[AgentRow]
    count: int
    failing: list[Agent]
    failing_count: int
    headings: list[Heading]
    is_table: bool
    is_filtered: bool
    page_size: int
    first_href: str | None
    next_href: str | None
    first_run: str


async def read_filter(visit: Visit) -> FilterContext:
    query = AgentQuery.of(visit.place)
    known = await agent_cards.focus_types(visit.database, visit.scope, visit.place.project)
    return FilterContext(
        search=query.search,
        statuses=[status for status in AgentStatus if status not in query.statuses],
        focus_types=[focus for focus in known if focus not in query.focus_types],
        chips=query.chips,
        view=query.view,
    )


async def read_agents(visit: Visit) -> AgentsContext:
    query, place = AgentQuery.of(visit.place), visit.place
    formula = Formula.of(visit.settings)
    found, counts, failing = await asyncio.gather(
        agent_cards.read(visit.database, visit.scope, query.page(visit.range), formula=formula, now=visit.now),
        agent_cards.count_by_status(visit.database, visit.scope, query.where),
        _failing(visit, query),
    )
    return AgentsContext(
        rows=found.rows,
        count=sum(counts.values()),
        failing=failing,
        failing_count=counts.get(AgentStatus.ERROR, 0),
        headings=list(headings(query)),
        is_table=query.view == TABLE,
        is_filtered=bool(query.chips),
        page_size=PAGE_SIZE[query.view],
        first_href=place.here() if place.params.get("after") else None,
        next_href=place.here(after=found.next_cursor) if found.next_cursor else None,
        first_run=first_run(visit),
    )


async def _failing(visit: Visit, query: AgentQuery) -> list[Agent]:
    """Those that were active last, of the agents that the page is about."""
    where = query.where
    if AgentStatus.ERROR not in (where.status or (AgentStatus.ERROR,)):
        return []
    newest_first = agents.ordered("LAST_ACTIVE", descending=True)
    failing = replace(where, status=(AgentStatus.ERROR,))
    return (await agents.page(visit.database, visit.scope, PageArgs(first=FAILING_NAMED), failing, newest_first)).items


def headings(query: AgentQuery) -> Iterator[Heading]:
    for column in COLUMNS:
        is_sorted = column.order == query.order.name
        direction = ("descending" if query.descending else "ascending") if is_sorted else None
        descending = not query.descending if is_sorted else column.descending
        yield Heading(column.label, column.is_number, _sort_href(query.place, column, descending=descending), direction)


def _sort_href(place: Place, column: Column, *, descending: bool) -> str | None:
    if column.order is None:
        return None
    sort = f"{'-' if descending else ''}{column.order}"
    return place.here(sort=None if sort == BEST_FIRST else sort)


def title(context: AgentsContext) -> str:
    return f"({context.failing_count}) Agents" if context.failing_count else "Agents"


AGENTS = Panel(name="agents", template="agents_panel.html", read=read_agents, title=title)


def downloads(visit: Visit) -> list[Download]:
    return [
        download.figures(visit, "Figures of each agent", Dimension.AGENT),
        download.figures(visit, "Figures of each version", Dimension.VERSION),
    ]


PAGE = Page(
    path="/agents",
    template="agents.html",
    title="Agents",
    nav="agents",
    panels=(AGENTS,),
    read=read_filter,
    downloads=downloads,
)
