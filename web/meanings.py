"""How the figures that pages compare are written, and which direction of each is good."""

from dataclasses import replace

from formicary.resolvers.change import StatTrend
from formicary.resolvers.formats import money

from .formats import compact, duration, number, percent, points
from .stat_card import Meaning, written

LARGE = 100_000
"""From here on a number is shortened on a card."""


def _short(value: float | None) -> str:
    return compact(value) if value is not None and value >= LARGE else number(value)


COUNT = Meaning(write=written(number), short=written(_short))
FEWER = replace(COUNT, good=StatTrend.DOWN)
SUCCESS = Meaning(write=written(percent), good=StatTrend.UP, difference=written(points), places=3)
TIME = Meaning(write=written(duration), good=StatTrend.DOWN)
MONEY = Meaning(write=money, good=StatTrend.DOWN)
