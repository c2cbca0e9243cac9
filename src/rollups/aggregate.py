"""Making stored figures on demand: whatever is waiting, or a range anew."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from ..db import Database
from ..models.rollup import Tier
from .cells import HOUR_OF_RUN
from .fold import fold
from .lock import fold_transaction
from .recompute import HORIZON, recompute_within
from .roll import MOST_DAYS, MOST_PROJECT_DAYS, MOST_PROJECT_HOURS, roll
from .stale import mark, marks_of_hours

HOUR = timedelta(hours=1)
BEFORE_AGENTS = 0
"""Where ids of agents begin."""
LEAST_ROLLED = min(MOST_DAYS, MOST_PROJECT_HOURS, MOST_PROJECT_DAYS)

MARK = mark(
    marks_of_hours(
        f"""
        SELECT r.agent_id, r.project_id, r.starts_at FROM (
            SELECT DISTINCT r.agent_id, r.project_id, {HOUR_OF_RUN} AS starts_at
            FROM run r WHERE r.started_at >= $1 AND r.started_at < $2 AND r.status >= 2
            AND ($3::bigint IS NULL OR r.agent_id = $3)
        ) r
        UNION SELECT c.agent_id, a.project_id, c.starts_at FROM run_hour c JOIN agent a ON a.id = c.agent_id
        WHERE c.starts_at >= $1 AND c.starts_at < $2 AND ($3::bigint IS NULL OR c.agent_id = $3)""",
        tuple(Tier),
    )
)

MADE = """
    SELECT count(*) FROM run_day
    WHERE starts_at >= $1 AND starts_at < $2 AND ($3::bigint IS NULL OR agent_id = $3)"""

ABOVE = "SELECT count(*) FROM rollup_stale WHERE starts_at < $1 AND tier IN ($2, $3, $4)"


async def settle(db: Database, now: datetime) -> None:
    """Go on until nothing is left that can be done by `now`."""
    while await fold(db):
        pass
    while (await recompute_within(db)).last:
        pass
    while await roll(db, now):
        pass


async def aggregate(db: Database, from_: datetime, to: datetime, agent_id: int | None = None) -> int:
    """Make the hours that [from_, to) touches anew from their runs, and their days from these, of an agent or of all.

    Hours before the horizon stay as they are: their runs may be gone. Gives how many cells of agents were made, of
    hours and of those days that are over.

    Day by day, so that others have their turns in between, and each hour once: what is recorded and corrected
    meanwhile is left to the background work, or there might be no end.
    """
    await _fold_what_waits(db)
    from_ = max(_hour(from_), _hour(await db.fetchval("SELECT runs_since FROM run_horizon")))
    to = -(-(to - _EPOCH) // HOUR) * HOUR + _EPOCH
    cells = 0
    for start, end in _days(from_, to):
        await _mark(db, start, end, agent_id)
        cells += await _make_once(db, start, end, agent_id)
    await _roll_what_waits(db, to)
    return cells + int(await db.fetchval(MADE, from_.replace(hour=0), to, agent_id))


async def _fold_what_waits(db: Database) -> None:
    last = await db.fetchval("SELECT max(id) FROM run_batch")
    while await db.fetchval("SELECT min(id) <= $1 FROM run_batch", last):
        await fold(db)


async def _mark(db: Database, from_: datetime, to: datetime, agent_id: int | None) -> None:
    async with fold_transaction(db) as connection:
        await connection.execute(MARK, max(from_, await connection.fetchval(HORIZON)), to, agent_id)


async def _make_once(db: Database, from_: datetime, to: datetime, agent_id: int | None) -> int:
    """Make what is stale in [from_, to), but nothing twice; gives how many cells that were."""
    cells, place = 0, (from_, BEFORE_AGENTS)
    while (turn := await recompute_within(db, place, to, agent_id)).last:
        cells, place = cells + turn.cells, turn.last
    return cells


async def _roll_what_waits(db: Database, to: datetime) -> None:
    """Take as many turns as what is marked by now can need, and not those of what is marked meanwhile."""
    for _ in range(1 + await db.fetchval(ABOVE, to, Tier.DAY, Tier.PROJECT_HOUR, Tier.PROJECT_DAY) // LEAST_ROLLED):
        if not await roll(db, datetime.now(UTC)):
            break


def _days(from_: datetime, to: datetime) -> Iterator[tuple[datetime, datetime]]:
    while from_ < to:
        midnight = min(from_.replace(hour=0) + timedelta(days=1), to)
        yield from_, midnight
        from_ = midnight


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
