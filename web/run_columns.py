"""How a list of runs is shown, as its address says: `sort=-cost`, `column=` for each column, `after=` a cursor."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from formicary.errors import BadInputError
from formicary.resolvers.page import Order
from formicary.resolvers.runs import Run, ordered

from .heading import Heading
from .place import Place

NEWEST_FIRST = "-started"


@dataclass(frozen=True, slots=True)
class Column:
    """`order` is that of the contract's RunOrderField by which the column can be sorted."""

    label: str
    order: str | None = None
    is_number: bool = False


FIRST = "started"
"""The column that leads to the run: it is always there."""

COLUMNS: Mapping[str, Column] = {
    FIRST: Column("Started", "STARTED"),
    "status": Column("Status"),
    "agent": Column("Agent"),
    "version": Column("Version"),
    "model": Column("Model"),
    "provider": Column("Provider"),
    "duration": Column("Duration", "DURATION", is_number=True),
    "tokens": Column("Tokens", "TOKENS", is_number=True),
    "cost": Column("Cost", "COST", is_number=True),
    "error": Column("Error"),
    "user": Column("User"),
    "session": Column("Session"),
    "initiator": Column("Initiator"),
    "task": Column("Task"),
    "trace": Column("Trace"),
    "external_id": Column("External id"),
    "tools": Column("Tools"),
    "ended": Column("Ended"),
    "input_tokens": Column("Input tokens", is_number=True),
    "output_tokens": Column("Output tokens", is_number=True),
    "cached_tokens": Column("Cached tokens", is_number=True),
    "first_token": Column("First token", is_number=True),
    "messages": Column("Messages", is_number=True),
    "files": Column("Files", is_number=True),
    "score": Column("Score", is_number=True),
}
AT_FIRST = (FIRST, "status", "agent", "version", "model", "duration", "tokens", "cost", "error")

SORTS = {name: column.order for name, column in COLUMNS.items() if column.order is not None}


def columns(place: Place) -> list[str]:
    """The columns of a list by name, in their own order. Raises BadInputError."""
    chosen = {_one_of("column", name, tuple(COLUMNS)) for name in place.params.getlist("column") if name}
    return [name for name in COLUMNS if name in (chosen | {FIRST} if chosen else AT_FIRST)]


def order(place: Place) -> Order[Run]:
    """The order of a list. Raises BadInputError."""
    name, descending = _sort(place)
    return ordered(SORTS[name], descending=descending)


def headings(place: Place) -> Iterator[Heading]:
    """Of the columns. Sorting by another one begins with the largest, or the newest. Raises BadInputError."""
    sorted_by, descending = _sort(place)
    for name in columns(place):
        column, is_sorted = COLUMNS[name], name == sorted_by
        direction = ("descending" if descending else "ascending") if is_sorted else None
        sort = name if is_sorted and descending else f"-{name}"
        href = place.here(sort=None if sort == NEWEST_FIRST else sort) if column.order else None
        yield Heading(column.label, column.is_number, href, direction)


def _sort(place: Place) -> tuple[str, bool]:
    sort = place.params.get("sort") or NEWEST_FIRST
    return _one_of("sort", sort.removeprefix("-"), tuple(SORTS)), sort.startswith("-")


def _one_of(parameter: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise BadInputError(f"{parameter}: {text[:40]!r} is none of {', '.join(allowed)}.")
    return text
