"""When runs start: more by day than by night, fewer at weekends.

The rhythm hangs on the moment the data ends, not on the clock, so that sample data of a seed is the same at
whatever hour it is made, and there is always something going on now.
"""

from collections.abc import Iterator
from math import cos, pi
from random import Random

DAYS = 14
BUSIEST_HOURS_AGO = 2.0
SWING = 0.75
QUIET_DAYS = frozenset({4, 5, 11, 12})
QUIET = 0.45


def arrivals(per_day: float, days_ago: int, rng: Random) -> Iterator[float]:
    """How many hours ago the runs of a day started, in no order."""
    for hour in range(days_ago * 24, days_ago * 24 + 24):
        expected = per_day / 24 * activity(hour + 0.5)
        for _ in range(int(expected + rng.random())):
            yield hour + rng.random()


def activity(hours_ago: float) -> float:
    """A factor that is about 1 on average."""
    by_hour = 1 + SWING * cos((hours_ago - BUSIEST_HOURS_AGO) / 24 * 2 * pi)
    return by_hour * (QUIET if int(hours_ago // 24) in QUIET_DAYS else 1)
