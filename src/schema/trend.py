"""Trends in the API."""

from typing import Any

import strawberry

from ..resolvers import figures
from ..resolvers.loaders import TrendKey
from ..resolvers.ranges import ResolvedRange
from ..resolvers.run_filter import RunFilter
from ..resolvers.trends import Trend
from .context import Info
from .metrics import WhichRange
from .run_inputs import TimeRange, time_range

__all__ = ["TREND", "Trend", "trend_of_agent"]


async def trend_of_agent(
    root: strawberry.Parent[Any],
    info: Info,
    range: WhichRange = None,  # noqa: A002
) -> Any:
    """Of siblings all together."""
    return await info.context.loaders.trend.load(TrendKey(root.id, _resolved(info, range)))


def _resolved(info: Info, range_: TimeRange | None) -> ResolvedRange:
    return figures.question_range(time_range(range_), RunFilter(), info.context.now)


TREND = (
    "Whether it gets better: the success rate of the second half of its runs in the range against that of the first. "
    "The halves are of the runs that succeeded, failed or timed out, in the order of their starts; of an odd number "
    "the first half has one less. Once retention has dropped the runs of the hour in which the first half ends, that "
    "hour's successes are split in proportion."
)
