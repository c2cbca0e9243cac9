"""Which agents a page shows and how, as its address says: `q=`, `status=`, `focus=`, `sort=`, `view=` and `after=`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from formicary.errors import BadInputError
from formicary.resolvers.agent_cards import WhichAgents
from formicary.resolvers.agent_orders import ORDERS, AgentOrder
from formicary.resolvers.agents import AgentFilter, AgentStatus
from formicary.resolvers.page import PageArgs
from formicary.resolvers.ranges import ResolvedRange

from .chip import Chip
from .place import Place

CARDS, TABLE = "cards", "table"
BEST_FIRST = "-score"

PAGE_SIZE = {CARDS: 50, TABLE: 100}


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentQuery:
    place: Place
    view: str
    order: AgentOrder
    descending: bool
    search: str | None
    statuses: tuple[AgentStatus, ...]
    focus_types: tuple[str, ...]

    @classmethod
    def of(cls, place: Place) -> Self:
        """Raises BadInputError for a view, an order or a status that is none."""
        sort = place.params.get("sort") or BEST_FIRST
        return cls(
            place=place,
            view=_one_of("view", place.params.get("view") or CARDS, tuple(PAGE_SIZE)),
            order=ORDERS[_one_of("sort", sort.removeprefix("-"), tuple(ORDERS))],
            descending=sort.startswith("-"),
            search=place.params.get("q") or None,
            statuses=tuple(
                AgentStatus(_one_of("status", text, tuple(AgentStatus))) for text in _given(place, "status")
            ),
            focus_types=_given(place, "focus"),
        )

    @property
    def where(self) -> AgentFilter:
        return AgentFilter(
            project=self.place.project,
            status=self.statuses or None,
            search=self.search,
            focus_type=self.focus_types or None,
        )

    def page(self, range_: ResolvedRange) -> WhichAgents:
        """The agents of this page, with figures of a range."""
        return WhichAgents(
            range=range_,
            where=self.where,
            order=self.order,
            descending=self.descending,
            args=PageArgs(first=PAGE_SIZE[self.view], after=self.place.params.get("after")),
        )

    @property
    def chips(self) -> list[Chip]:
        return list(self._chips())

    def _chips(self) -> Iterator[Chip]:
        if self.search:
            yield Chip("Name has", self.search, self.place.here(q=None))
        for status in self.statuses:
            others = [each for each in self.statuses if each is not status]
            yield Chip("Status", status.capitalize(), self.place.here(status=others))
        for focus in self.focus_types:
            yield Chip("Focus", focus, self.place.here(focus=[each for each in self.focus_types if each != focus]))


def _given(place: Place, name: str) -> tuple[str, ...]:
    """Each value once, in the order of the address."""
    return tuple(dict.fromkeys(text for text in place.params.getlist(name) if text))


def _one_of(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise BadInputError(f"{name}: {text[:40]!r} is none of {', '.join(allowed)}.")
    return text
