"""The filter of runs in an address: a parameter a field of `RunFilter`, named as it is, and several for several values.

`without=model` stands for the runs that state no model (an empty text in the filter). When the runs started is said by
the page's period, of which project they are by its frame.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from starlette.datastructures import QueryParams

from formicary.errors import BadInputError
from formicary.models.run import RunStatus
from formicary.resolvers import sql_value
from formicary.resolvers.ranges import TimeRange
from formicary.resolvers.run_filter import RunFilter

from .formats import duration, money, status_name
from .place import WITHOUT
from .visit import Visit

MOST_VALUES = 100
LONGEST = 1_000
LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Field:
    """A field of `RunFilter`: what it is called for a person, and how one value of it is read and written.

    `read` raises an error of READING for what is not `allowed`.
    """

    label: str
    read: Callable[[str], Any]
    allowed: str
    write: Callable[[Any], str] = str
    is_many: bool = True
    may_lack: bool = False
    """Whether runs can be asked for that state none."""


def _text(text: str, longest: int = LONGEST) -> str:
    if "\0" in text or len(text) > longest:
        raise ValueError(text)
    return text


def _search(text: str) -> str:
    return _text(text, LONGEST_SEARCH)


def _id(text: str) -> int:
    number = sql_value.bigint(text)
    if number < 1:
        raise ValueError(text)
    return number


def _run_key(text: str) -> tuple[int, str]:
    agent_id, colon, external_id = text.partition(":")
    if not colon or not external_id:
        raise ValueError(text)
    return _id(agent_id), _text(external_id)


def write_run_key(key: tuple[int, str]) -> str:
    return f"{key[0]}:{key[1]}"


def _milliseconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise ValueError(text)
    return number


def _usd(text: str) -> Decimal:
    number = sql_value.numeric(text)
    if number < 0:
        raise ValueError(text)
    return number


STATUS = f"one of {', '.join(status.name for status in RunStatus)}"
RUN_KEY = "the number of an agent and the external id of a run of it, such as 7:order-1204"
TEXT = f"a text of at most {LONGEST:,} characters"
SEARCH = f"a text of at most {LONGEST_SEARCH} characters"
ID = "the number of one"
MILLISECONDS = "a number of milliseconds, 0 or more, such as 1500"
USD = "an amount in USD, 0 or more, such as 0.25"

READING = (KeyError, ValueError, ArithmeticError)

FIELDS: Mapping[str, Field] = {
    "status": Field("Status", RunStatus.__getitem__, STATUS, status_name),
    "agent": Field("Agent", _text, TEXT),
    "agent_id": Field("Agent", _id, ID),
    "version": Field("Version", _text, TEXT),
    "version_id": Field("Version", _id, ID, is_many=False),
    "model": Field("Model", _text, TEXT, may_lack=True),
    "provider": Field("Provider", _text, TEXT, may_lack=True),
    "error_type": Field("Error type", _text, TEXT, may_lack=True),
    "error_text": Field("Error text", _search, SEARCH, is_many=False),
    "fingerprint": Field("Kind of error", _text, TEXT, may_lack=True),
    "user": Field("User", _text, TEXT, may_lack=True),
    "session": Field("Session", _text, TEXT, may_lack=True),
    "trace_id": Field("Trace", _text, TEXT, is_many=False),
    "task_id": Field("Task", _text, TEXT, is_many=False),
    "parent": Field("Called by", _run_key, RUN_KEY, write_run_key, is_many=False),
    "external_id": Field("External id", _text, TEXT),
    "initiator": Field("Initiator", _text, TEXT, may_lack=True),
    "tool": Field("Tool", _text, TEXT),
    "min_duration_ms": Field("Took at least", _milliseconds, MILLISECONDS, duration, is_many=False),
    "max_duration_ms": Field("Took at most", _milliseconds, MILLISECONDS, duration, is_many=False),
    "min_cost": Field("Cost at least", _usd, USD, money, is_many=False),
}
MAY_LACK = tuple(name for name, field in FIELDS.items() if field.may_lack)


def where(visit: Visit) -> RunFilter:
    """Which runs a visit asks for. Raises BadInputError."""
    range_ = visit.range
    found = parse(visit.place.params)
    return replace(found, project=visit.place.project, range=TimeRange(from_=range_.from_, to=range_.to))


def parse(params: QueryParams) -> RunFilter:
    """What an address says of runs, without project and range. Raises BadInputError, which names field and value."""
    lacking = _lacking(params)
    found = {name: _values(name, [value for value in params.getlist(name) if value]) for name in FIELDS}
    chosen = {name: ([""] if name in lacking else []) + values for name, values in found.items()}
    return RunFilter(**{name: _chosen(name, values) for name, values in chosen.items() if values})


def _lacking(params: QueryParams) -> set[str]:
    names = set(filter(None, params.getlist(WITHOUT)))
    for name in names - set(MAY_LACK):
        raise BadInputError(f"{WITHOUT}: {name[:40]!r} is not one of {', '.join(MAY_LACK)}.")
    return names


def _values(name: str, texts: list[str]) -> list[Any]:
    field = FIELDS[name]
    if len(texts) > MOST_VALUES:
        raise BadInputError(f"{name}: {len(texts)} values are more than the {MOST_VALUES} that are allowed.")
    return list(dict.fromkeys(_value(name, field, text) for text in texts))


def _value(name: str, field: Field, text: str) -> Any:
    try:
        return field.read(text)
    except READING:
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise BadInputError(f"{name}: {shown!r} is not {field.allowed}.") from None


def _chosen(name: str, values: list[Any]) -> Any:
    if FIELDS[name].is_many:
        return tuple(values)
    if len(values) > 1:
        raise BadInputError(f"{name}: is given {len(values)} times; only one value is allowed.")
    return values[0]
