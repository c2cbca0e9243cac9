"""Where a viewer is: the page and its state, all of which stands in the address, and the ways from there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Self, TypeAlias
from urllib.parse import quote, urlencode

from starlette.datastructures import QueryParams

from formicary.errors import BadInputError
from formicary.models.run import RunStatus

from .formats import exact
from .period import Period

FRAGMENTS = "/fragments"

OF_PERIOD = ("range", "from", "to")

MOST_PARAMS = 300
"""In one address. Each condition of a list is shown with the address without it: that work grows as the square."""

WITHOUT = "without"
"""The parameter that names what the runs of a list do not state, such as a model."""

Value: TypeAlias = "str | int | float | Decimal | datetime | Iterable[str | int] | None"
"""Of a parameter. None leaves it out; of several values each is written, of statuses their names."""


@dataclass(frozen=True, slots=True)
class Place:
    """`path` is that of the page, also where a part of it is asked for; `params` are those of its address."""

    path: str
    period: Period
    project: str | None
    params: QueryParams

    @classmethod
    def of(cls, path: str, params: QueryParams) -> Self:
        """Raises BadInputError for a period that is none, and for more parameters than anybody means."""
        given = len(params.multi_items())
        if given > MOST_PARAMS:
            raise BadInputError(f"The address has {given:,} parameters; at most {MOST_PARAMS} are allowed.")
        return cls(page_of(path), Period.of(params), params.get("project") or None, params)

    def to(self, path: str, /, **params: Value) -> str:
        """Another page, of the same period and project unless `params` say otherwise."""
        return _address(path, self._common | params)

    def here(self, **params: Value) -> str:
        """This page with some parameters changed. A period given takes the place of the present one."""
        kept = self._present
        if any(name in params for name in OF_PERIOD):
            kept = {name: values for name, values in kept.items() if name not in OF_PERIOD}
        return _address(self.path, kept | {"after": None} | params)

    def at(self, path: str, /, **params: Value) -> str:
        """Another path in the state of this page, with some parameters changed."""
        return _address(path, self._present | params)

    def runs(self, **filters: Value) -> str:
        """The list of the runs behind a figure: `filters` are fields of `RunFilter` (see run_query.py).

        An empty text stands for the runs that state none, as it does in the keys of figures.
        """
        return self.to("/runs", **_without(filters))

    def during(self, from_: datetime, to: datetime, **filters: Value) -> str:
        """The list of the runs behind a point of a chart."""
        return self.at_points(**filters)(from_, to)

    def at_points(self, **filters: Value) -> Callable[[datetime, datetime], str]:
        """The same of many points under the same filters, which are written only once."""
        query = _query({"project": self.project, **_without(filters)})
        others = f"&{query}" if query else ""
        return lambda from_, to: f"/runs?from={_moment(from_)}&to={_moment(to)}{others}"

    def fragment(self, name: str, **params: Value) -> str:
        """A part of this page in its present state, with some parameters changed."""
        return self.at(f"{FRAGMENTS}{self.path.rstrip('/')}/{name}", **params)

    @property
    def _present(self) -> dict[str, Value]:
        return {name: self.params.getlist(name) for name in self.params}

    @property
    def _common(self) -> dict[str, Value]:
        return {**self.period.params, "project": self.project}


def page_of(path: str) -> str:
    """The path of the page whose part is asked for; any other as it is."""
    if not path.startswith(f"{FRAGMENTS}/"):
        return path
    return path.removeprefix(FRAGMENTS).rpartition("/")[0] or "/"


def _address(path: str, params: Mapping[str, Value]) -> str:
    query = _query(params)
    return f"{path}?{query}" if query else path


def _query(params: Mapping[str, Value]) -> str:
    return urlencode([pair for name, value in params.items() for pair in _pairs(name, value)])


@lru_cache(1_000)
def _moment(at: datetime) -> str:
    """For an address. The charts of a page have their points in common."""
    return quote(exact(at))


def _without(filters: Mapping[str, Value]) -> dict[str, Value]:
    """The filters with each empty text said by the name of its field."""
    lists = {name: list(_texts(value)) for name, value in filters.items()}
    lacking = [name for name, texts in lists.items() if "" in texts]
    return {**{name: [text for text in texts if text] for name, texts in lists.items()}, WITHOUT: lacking}


def _pairs(name: str, value: Value) -> list[tuple[str, str]]:
    return [(name, text) for text in _texts(value) if text]


def _texts(value: Value) -> list[str]:
    if value is None:
        return []
    if isinstance(value, datetime):
        return [exact(value)]
    if isinstance(value, RunStatus):
        return [value.name]
    if isinstance(value, str | int | float | Decimal):
        return [str(value)]
    return [text for each in value for text in _texts(each)]
