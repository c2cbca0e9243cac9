"""Cards with a figure or two, each with its change against the time before, whether that is good, and its course."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from formicary.resolvers.change import StatTrend, change

Write: TypeAlias = Callable[[Decimal | None], str]
Value: TypeAlias = Decimal | float | None


class Verdict(StrEnum):
    """What a change means: the colour's class, and its word for who does not see it."""

    GOOD = "good"
    BAD = "bad"
    NEITHER = "neither"


class Behind(NamedTuple):
    """The list that a figure leads to, and how many runs that has; None where it is no list of runs."""

    href: str
    runs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`exact` is `value` in full where that is shortened; `change` is None where nothing is compared."""

    label: str
    value: str
    exact: str
    behind: Behind
    change: str | None
    trend: StatTrend
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """`course` are the values of its sparkline, up to `most`; none where the course is not known."""

    title: str
    figures: Sequence[Figure]
    course: Sequence[float | None] = ()
    most: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """How a figure is written and compared.

    `good` is the direction that is good, None where neither is. The share of a rate says little, so rates and scores
    are compared by their difference: of so many `places`, and written by `difference`.
    """

    write: Write
    short: Write | None = None
    good: StatTrend | None = None
    difference: Write | None = None
    places: int | None = None

    def figure(self, label: str, behind: Behind, now: Value, before: Value) -> Figure:
        """`label` says what of the card it is, where the card has two."""
        by_difference = self.difference is not None
        text, trend = change(
            self._compared(now), self._compared(before), self.difference or self.write, in_share=not by_difference
        )
        return self._figure(label, behind, now, text, trend)

    def alone(self, label: str, behind: Behind, now: Value) -> Figure:
        """Compared with nothing."""
        return self._figure(label, behind, now, None, StatTrend.FLAT)

    def _figure(self, label: str, behind: Behind, now: Value, text: str | None, trend: StatTrend) -> Figure:
        exact = _exact(now)
        return Figure(
            label=label,
            value=(self.short or self.write)(exact),
            exact=self.write(exact),
            behind=behind,
            change=text,
            trend=trend,
            verdict=self._verdict(trend),
        )

    def _compared(self, value: Value) -> Decimal | None:
        exact = _exact(value)
        return exact if exact is None or self.places is None else round(exact, self.places)

    def _verdict(self, trend: StatTrend) -> Verdict:
        if self.good is None or trend is StatTrend.FLAT:
            return Verdict.NEITHER
        return Verdict.GOOD if trend is self.good else Verdict.BAD


def written(write: Callable[[float | None], str]) -> Write:
    """The same for decimals."""
    return lambda value: write(None if value is None else float(value))


def _exact(value: Value) -> Decimal | None:
    return value if value is None or isinstance(value, Decimal) else Decimal(repr(value))
