"""All background work: a line a job."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from ..config import Settings
from ..db import Database
from ..ingest.recorder import Recorder
from ..otlp import upkeep
from ..partitions import ensure_partitions
from ..rollups import pheromone
from ..rollups.aggregate import aggregate
from ..rollups.due import fold_if_due
from ..rollups.recompute import recompute
from ..rollups.retention import expire
from ..rollups.roll import roll
from .job import Job
from .pace import Every, Midnight, Pace, Sparing

HOUR = 3600.0

Work = Callable[[Database, Settings], Awaitable[object]]


async def _keep_partitions(db: Database, _settings: Settings) -> None:
    await ensure_partitions(db, datetime.now(UTC))


async def _retain(db: Database, settings: Settings) -> None:
    await expire(
        db,
        datetime.now(UTC),
        runs_kept=timedelta(days=settings.runs_kept),
        aggregates_kept=timedelta(days=settings.aggregates_kept),
    )


async def _fold(db: Database, _settings: Settings) -> bool:
    return await fold_if_due(db)


async def _recompute(db: Database, _settings: Settings) -> bool:
    return await recompute(db)


async def _roll(db: Database, _settings: Settings) -> bool:
    return await roll(db, datetime.now(UTC))


async def _aggregate_yesterday(db: Database, _settings: Settings) -> None:
    """Make the day that has ended anew from its runs, whatever the fold has made of it."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    await aggregate(db, today - timedelta(days=1), today)


async def _score(db: Database, settings: Settings) -> None:
    await pheromone.update(db, settings, datetime.now(UTC))


async def _release_spans(db: Database, settings: Settings) -> bool:
    return await upkeep.release(Recorder(db), datetime.now(UTC), timedelta(seconds=settings.span_wait))


async def _let_spans_go(db: Database, settings: Settings) -> None:
    kept = timedelta(hours=settings.spans_kept)
    await upkeep.let_go(db, datetime.now(UTC), kept=kept, most_spans=settings.max_spans)


WORK: tuple[tuple[str, Work, Pace], ...] = (
    ("fold", _fold, Every(1.0)),
    ("stale hours", _recompute, Sparing(5.0, share=0.1)),
    ("day tier", _roll, Every(30.0)),
    ("daily aggregation", _aggregate_yesterday, Midnight()),
    ("pheromone", _score, Every(15.0)),
    ("waiting spans", _release_spans, Every(2.0)),
    ("kept spans", _let_spans_go, Sparing(30.0, share=0.05)),
    ("partition upkeep", _keep_partitions, Every(HOUR)),
    ("retention", _retain, Every(HOUR)),
)
"""By name: what is done, True being given where there is more to do at once, and when."""

NAMES = tuple(name for name, _, _ in WORK)


CONNECTIONS = 2
"""For all jobs together: each takes memory on the server, and most of the time there is nothing to do."""


def jobs(db: Database, settings: Settings) -> list[Job]:
    limited = db.limited(CONNECTIONS)
    return [Job(name, partial(work, limited, settings), pace) for name, work, pace in WORK]
