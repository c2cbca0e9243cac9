"""How a figure stands to what it was before, in words and as a direction."""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from .formats import percent

LEAST_SHARE = Decimal("0.0005")
"""A smaller change, in proportion, would be written as 0.0 %: it counts as none."""


class StatTrend(StrEnum):
    """Which way a figure went. Whether that is good depends on the figure."""

    UP = "UP"
    DOWN = "DOWN"
    FLAT = "FLAT"


class Change(NamedTuple):
    text: str
    trend: StatTrend


def change(
    now: Decimal | None, before: Decimal | None, write: Callable[[Decimal | None], str], *, in_share: bool = True
) -> Change:
    """As a share of what was before, where there was something; else, or if not `in_share`, as the difference."""
    if now is None or before is None:
        return Change("no data before" if before is None else "no data now", StatTrend.FLAT)
    difference = now - before
    if abs(difference) <= (before * LEAST_SHARE if in_share else 0):
        return Change("no change", StatTrend.FLAT)
    size = percent(float(abs(difference) / before)) if in_share and before else write(abs(difference))
    return Change(f"+{size}", StatTrend.UP) if difference > 0 else Change(f"−{size}", StatTrend.DOWN)
