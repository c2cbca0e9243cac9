"""What is too old goes: runs by whole weeks, and long after them the cells that were made of them.

Runs of a week go by dropping its partition, which costs the same for any number of them. That takes a moment in
which nobody uses `run`: `DETACH … CONCURRENTLY` would not, but PostgreSQL has it only where there is no default
partition. So it is tried under a short lock timeout, and again the next time.

No run goes that a tier has still to take in. A week with one in it is left for the next time.

The key of a run outlives it, as long as the cells that have counted it: it tells who sends the run again that it was
recorded, and it is not counted twice.
"""

import logging
from datetime import UTC, datetime, timedelta

from ..db import Connection, Database
from ..models import Tier
from ..partitions import LOCK_TIMEOUT, PARTITIONS, monday_of
from .lock import fold_transaction

log = logging.getLogger(__name__)

SLICE = 10_000
"""So many runs or keys go in one transaction."""
OWNER_SLICE = 100
DAY = timedelta(days=1)
"""Of so many owners, the cells of so long go in one transaction."""

WEEK = timedelta(weeks=1)
PARTITION_NAME = "run_%Y%m%d"

UNFOLDED = """
    SELECT EXISTS (SELECT 1 FROM run_batch WHERE started_from < $1)
        OR EXISTS (SELECT 1 FROM rollup_stale WHERE tier = $2 AND starts_at < $1)"""

MOVE_HORIZON = "UPDATE run_horizon SET runs_since = $1 WHERE id = 1 AND runs_since < $1"

ANY_LATE = """
    SELECT EXISTS (SELECT 1 FROM run_default WHERE started_at < $1)
        OR EXISTS (SELECT 1 FROM run_horizon WHERE id = 1 AND runs_since < $1)"""

LATE_SLICE = "SELECT started_at FROM run_default WHERE started_at < $1 ORDER BY started_at, id OFFSET $2 LIMIT 1"

EXPIRE_LATE = "DELETE FROM run_default WHERE started_at < $1 AND started_at <= $2"

EXPIRE_KEYS = """
    WITH expired AS (
        SELECT agent_id, external_id FROM run_key WHERE started_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM run_key k USING expired e WHERE k.agent_id = e.agent_id AND k.external_id = e.external_id"""

OLDEST_CELL = """
    SELECT min(c.starts_at) FROM unnest($1::bigint[]) AS o (id)
    CROSS JOIN LATERAL (
        SELECT starts_at FROM {table} WHERE {owner}_id = o.id ORDER BY starts_at LIMIT 1
    ) c"""

MOVE_CELLS_HORIZON = "UPDATE run_horizon SET cells_since = $1 WHERE id = 1 AND cells_since < $1"

EXPIRE_CELLS = "DELETE FROM {table} WHERE {owner}_id = ANY($1::bigint[]) AND starts_at < $2"

CELLS = {
    "agent": ("run_hour", "run_day", "error_hour", "pheromone_hour"),
    "project": ("project_hour", "project_day"),
}
"""By owner, the tables that hold cells of theirs."""


async def expire(db: Database, now: datetime, *, runs_kept: timedelta, aggregates_kept: timedelta) -> None:
    """Let go of what is older, as seen from `now`; what is kept comes to whole weeks of runs and days of cells.

    Raises asyncpg.LockNotAvailableError where the runs are in use for too long; what was done by then stays done.
    """
    cutoff = (now - aggregates_kept).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    await expire_cells(db, cutoff)
    await expire_keys(db, cutoff)
    await expire_runs(db, monday_of(now - runs_kept))


async def expire_runs(db: Database, horizon: datetime) -> list[str]:
    """Drop the runs that started before a Monday, oldest week first; gives the names of the partitions that went."""
    dropped: list[str] = []
    for monday, name in await _weeks(db):
        if monday + WEEK <= horizon:
            if not await _drop_week(db, name, monday + WEEK):
                return dropped
            dropped.append(name)
    while await _expire_late(db, horizon):
        pass
    return dropped


async def expire_cells(db: Database, cutoff: datetime) -> None:
    for owner, tables in CELLS.items():
        ids = [row["id"] for row in await db.fetch(f"SELECT id FROM {owner} ORDER BY id")]
        for first in range(0, len(ids), OWNER_SLICE):
            for table in tables:
                await _expire_cells_of(db, table, owner, ids[first : first + OWNER_SLICE], cutoff)


async def expire_keys(db: Database, cutoff: datetime) -> None:
    deleted = SLICE
    while deleted == SLICE:
        async with db.transaction() as connection:
            # A plan for any time would read the whole table.
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            deleted = _count(await connection.execute(EXPIRE_KEYS, cutoff, SLICE))


async def _weeks(db: Database) -> list[tuple[datetime, str]]:
    """The Mondays and names of the weekly partitions, in their order."""
    names = sorted(row["relname"] for row in await db.fetch(PARTITIONS) if row["relname"] != "run_default")
    return [(datetime.strptime(name, PARTITION_NAME).replace(tzinfo=UTC), name) for name in names]


async def _drop_week(db: Database, name: str, until: datetime) -> bool:
    """Drop a partition if the tiers hold all of it; gives whether it is gone.

    `run` is locked before its partition, as by everybody who reads it. From then on nobody adds to the week.
    """
    async with fold_transaction(db) as connection:
        if await connection.fetchval("SELECT to_regclass($1)", name) is None:
            return True  # another process has dropped it meanwhile
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.execute("LOCK TABLE ONLY run IN ACCESS EXCLUSIVE MODE")
        await connection.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
        if await _is_refused(connection, until):
            return False
        await connection.execute(f"DROP TABLE {name}")
        await connection.execute(MOVE_HORIZON, until)
    log.info("dropped partition %s: its runs are older than is kept", name)
    return True


async def _expire_late(db: Database, horizon: datetime) -> bool:
    """Delete a slice of the runs that came too late for a partition; gives whether there may be more."""
    if not await db.fetchval(ANY_LATE, horizon):
        return False
    async with fold_transaction(db) as connection:
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        await connection.execute("LOCK TABLE run_default IN SHARE ROW EXCLUSIVE MODE")
        if await _is_refused(connection, horizon):
            return False
        await connection.execute(MOVE_HORIZON, horizon)
        last = await connection.fetchval(LATE_SLICE, horizon, SLICE - 1)
        await connection.execute(EXPIRE_LATE, horizon, last or horizon)
        return last is not None


async def _is_refused(connection: Connection, until: datetime) -> bool:
    """Whether a run that started before is in no tier yet; nobody may be able to add one."""
    refused = bool(await connection.fetchval(UNFOLDED, until, Tier.HOUR))
    if refused:
        log.warning("runs from before %s are kept for now: some are still to be folded", f"{until:%Y-%m-%d}")
    return refused


async def _expire_cells_of(db: Database, table: str, owner: str, ids: list[int], cutoff: datetime) -> None:
    """Day by day from the oldest on, by the keys of the table."""
    oldest, delete = (statement.format(table=table, owner=owner) for statement in (OLDEST_CELL, EXPIRE_CELLS))
    while (starts_at := await db.fetchval(oldest, ids)) is not None and starts_at < cutoff:
        async with fold_transaction(db) as connection:
            await connection.execute(MOVE_CELLS_HORIZON, cutoff)
            await connection.execute(delete, ids, min(starts_at + DAY, cutoff))


def _count(tag: str) -> int:
    """The number of rows in PostgreSQL's word on a DELETE."""
    return int(tag.rpartition(" ")[2])
