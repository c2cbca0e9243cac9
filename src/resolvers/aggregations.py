"""Making stored figures anew from their runs, when somebody asks for it."""

from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from ..db import Database
from ..rollups.aggregate import aggregate
from .ranges import ResolvedRange
from .spans import HOUR, ceil, floor

HORIZON = "SELECT runs_since FROM run_horizon"


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What was made anew: how many cells (`buckets`) from one full hour to another."""

    from_: datetime
    to: datetime
    buckets: int
    duration_ms: float


async def make_anew(db: Database, range_: ResolvedRange, agent_id: int | None = None) -> Aggregation:
    """Make all hours anew that a range touches, and their days, of one agent or of all.

    Hours of which runs may have been dropped are left as they are, and out of the answer.
    """
    began = perf_counter()
    horizon: datetime = await db.fetchval(HORIZON)
    to = ceil(range_.to, HOUR)
    from_ = min(max(floor(range_.from_, HOUR), horizon), to)
    buckets = await aggregate(db, from_, to, agent_id) if from_ < to else 0
    return Aggregation(from_, to, buckets, (perf_counter() - began) * 1000)
