"""Runs as a list: filtered, sorted and with the columns that the address says, a page at a time."""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus

from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from formicary.errors import BadInputError, FormicaryError
from formicary.models.run import RunStatus
from formicary.resolvers import run_page, run_total
from formicary.resolvers.page import PageArgs
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.run_total import Total
from formicary.resolvers.runs import NEWEST_FIRST

from . import download, rendering
from .chip import Chip
from .download import Download
from .first_run import first_run
from .heading import Heading
from .pages import Page, Pages
from .panels import Panel
from .place import FRAGMENTS, WITHOUT
from .run_columns import AT_FIRST, COLUMNS, FIRST, Column, columns, headings, order
from .run_conditions import chips, conditions
from .run_loosening import Loosening, loosenings
from .run_query import FIELDS, Field, parse, where
from .run_rows import RunRow, rows
from .visit import Visit

PAGE_SIZE = 50

BY_LINKS_ONLY = ("status", "agent_id", "version_id", "fingerprint", "parent")
"""Filters that nobody types: the first is chosen, the others come with a link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterContext:
    """What the list is filtered by, what can be added to that, and which columns can be shown."""

    chips: list[Chip]
    fields: dict[str, Field]
    statuses: list[RunStatus]
    columns: dict[str, Column]
    chosen: list[str]
    cleared_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Runs of the list. `more_href` leads to the page that follows, `more_rows` to its rows alone; None at the end."""

    rows: list[RunRow]
    columns: dict[str, Column]
    more_href: str | None
    more_rows: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsContext:
    """The list from its beginning, or from where the address says: then `first_href` is the beginning.

    `loosenings` are for an empty one; `first_run` is a command for a shell.
    """

    page: Rows
    headings: list[Heading]
    total: Total
    first_href: str | None
    is_filtered: bool
    loosenings: list[Loosening]
    first_run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreContext:
    """What takes the place of the link to more: rows, or why there are none and the way to try again."""

    page: Rows | None
    problem: str | None
    width: int
    retry_href: str
    retry_rows: str


async def read_filter(visit: Visit) -> FilterContext:
    place = visit.place
    return FilterContext(
        chips=await chips(place, visit.loaders()),
        fields={name: field for name, field in FIELDS.items() if name not in BY_LINKS_ONLY},
        statuses=list(RunStatus),
        columns={name: column for name, column in COLUMNS.items() if name != FIRST},
        chosen=_columns(visit),
        cleared_href=place.here(**dict.fromkeys([*FIELDS, WITHOUT])),
    )


async def read_runs(visit: Visit) -> RunsContext:
    place, which = visit.place, where(visit)
    page, total = await asyncio.gather(_read_rows(visit, which), run_total.total(visit.database, visit.scope, which))
    is_empty = not page.rows and not place.params.get("after")
    return RunsContext(
        page=page,
        headings=list(headings(place)),
        total=total,
        first_href=place.here() if place.params.get("after") else None,
        is_filtered=bool(conditions(place)),
        loosenings=await loosenings(visit) if is_empty else [],
        first_run=first_run(visit),
    )


async def _read_rows(visit: Visit, which: RunFilter) -> Rows:
    place, by, shown = visit.place, order(visit.place), columns(visit.place)
    args = PageArgs(first=PAGE_SIZE, after=place.params.get("after") or None)
    page = await run_page.page(visit.database, visit.scope, args, which, by)
    after = page.cursor(page.items[-1]) if page.has_next else None
    return Rows(
        rows=await rows(visit.loaders(), page.items),
        columns={name: COLUMNS[name] for name in shown},
        more_href=place.here(after=after) if after else None,
        more_rows=place.fragment("more", after=after) if after else None,
    )


async def _more(visit: Visit) -> Response:
    """The rows that follow, to be put in the place of the link that asked for them."""
    page, problem = None, None
    try:
        page = await _read_rows(visit, where(visit))
    except FormicaryError as error:
        problem = error.message
    context = MoreContext(
        page=page,
        problem=problem,
        width=len(_columns(visit)),
        retry_href=visit.place.here(after=visit.place.params.get("after")),
        retry_rows=visit.place.fragment("more"),
    )
    return rendering.response(rendering.part("runs_more.html", context, visit))


async def _search(visit: Visit) -> Response:
    """What was typed is an external id if any run has it, else words of an error."""
    text = visit.place.params.get("q", "").strip()
    name = "external_id" if text and await _is_external_id(visit, text) else "error_text"
    return RedirectResponse(
        visit.place.at("/runs", **{"q": None, "after": None, name: text or None}),
        HTTPStatus.SEE_OTHER,
        rendering.SECURITY_HEADERS,
    )


async def _is_external_id(visit: Visit, text: str) -> bool:
    which = parse(QueryParams(external_id=text))
    return bool((await run_page.page(visit.database, visit.scope, PageArgs(first=1), which, NEWEST_FIRST)).items)


def _columns(visit: Visit) -> list[str]:
    """Those at first where the address names one that is none: the list itself says so."""
    try:
        return columns(visit.place)
    except BadInputError:
        return list(AT_FIRST)


def routes(pages: Pages) -> list[Route]:
    """Besides the page: its rows alone, and what the search leads to."""
    return [pages.route(f"{FRAGMENTS}/runs/more", _more), pages.route("/runs/search", _search)]


RUNS = Panel(name="runs", template="runs_list.html", read=read_runs)


def downloads(visit: Visit) -> list[Download]:
    return [download.runs(visit)]


PAGE = Page(
    path="/runs",
    template="runs.html",
    title="Runs",
    nav="runs",
    panels=(RUNS,),
    read=read_filter,
    downloads=downloads,
)
