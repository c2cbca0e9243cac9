"""Charts of figures over time.

A chart is sent as a table, which anybody can read; static/chart.js draws what the table says and hides it behind a
button. So what is drawn, what is read out and what is copied as CSV are the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from formicary.resolvers.history import Point
from formicary.resolvers.metrics import Metrics

from .place import Place, Value


class Kind(StrEnum):
    """How the series are drawn; STACKED bars stand on one another, in their order from the ground."""

    STACKED = "stacked"
    BARS = "bars"
    LINES = "lines"


class Unit(StrEnum):
    """What the values are, which decides on how the axis is written."""

    NUMBER = "number"
    MILLISECONDS = "milliseconds"
    USD = "usd"
    SCORE = "score"
    FRACTION = "fraction"


class Tone(StrEnum):
    """The colour of a series, by what it means; the ones with numbers mean nothing."""

    GOOD = "good"
    POOR = "poor"
    FAIR = "fair"
    STILL = "still"
    ACCENT = "accent"
    FIRST = "1"
    SECOND = "2"
    THIRD = "3"
    FOURTH = "4"


@dataclass(frozen=True, slots=True)
class Series:
    """`values` go with the chart's `rows`, None where unknown; `write` is how a value is written."""

    name: str
    tone: Tone
    values: Sequence[float | None]
    write: Callable[[float | None], str]


@dataclass(frozen=True, slots=True)
class Row:
    """A step of time, the list of the runs behind it and, where that is known, how many they are."""

    from_: datetime
    to: datetime
    href: str | None
    runs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """`id` is unique in its page."""

    id: str
    title: str
    kind: Kind
    unit: Unit
    rows: Sequence[Row]
    series: Sequence[Series]
    most: float | None = None
    """The upper end of the axis, where that is fixed."""
    by_powers: bool = False
    """Whether the axis grows by powers, for values of very different size."""

    @property
    def is_empty(self) -> bool:
        return not any(value for series in self.series for value in series.values)


def rows(
    points: Sequence[Point], place: Place, *, counted: Callable[[Metrics], int] | None = None, **filters: Value
) -> list[Row]:
    """The steps of a history, each leading to its runs under the filters; `counted` is how many these are."""
    runs = place.at_points(**filters)
    return [
        Row(
            point.from_,
            point.to,
            runs(point.metrics.range.from_, point.metrics.range.to),
            counted(point.metrics) if counted else None,
        )
        for point in points
    ]


def values(points: Sequence[Point], figure: Callable[[Metrics], float | None]) -> list[float | None]:
    return [figure(point.metrics) for point in points]
