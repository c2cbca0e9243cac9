"""Weekly partitions of `run`, from Monday to Monday in UTC, made ahead of need.

Runs of a week without a partition land in `run_default`: old ones that arrive late stay there, recent ones (of
a time when nobody made partitions) move into theirs as soon as it is made.
"""

import logging
from datetime import UTC, datetime, timedelta

from .db import Connection, Database

log = logging.getLogger(__name__)

LOCK_KEY = 5_707_942_882
"""Of the advisory lock under which a partition is made, so that several processes may try."""
LOCK_TIMEOUT = "2s"
"""How long readers and writers may be held up; over that nothing is done, until the next time."""
MOVING_SECONDS = 600
RECENT = timedelta(weeks=5)
STORAGE = "autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02"

STRANDED_WEEKS = """
    SELECT DISTINCT date_trunc('week', started_at, 'UTC') AS monday FROM run_default
    WHERE started_at >= $1 AND started_at < $2
"""
PARTITIONS = """
    SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid WHERE inhparent = 'run'::regclass
"""
MOVE = """
    WITH stranded AS (DELETE FROM run_default WHERE started_at >= $1 AND started_at < $2 RETURNING *)
    INSERT INTO {name} SELECT * FROM stranded
"""


async def ensure_partitions(db: Database, now: datetime, weeks_ahead: int = 4) -> list[str]:
    """Make the missing partitions from this week to `weeks_ahead` weeks on; gives the names of those made.

    Raises asyncpg.LockNotAvailableError where `run_default` is in use for too long; what was made by then stays.
    """
    made = []
    for monday in await _missing_weeks(db, now.astimezone(UTC), weeks_ahead):
        async with db.transaction() as connection:
            if await _make_partition(connection, monday):
                made.append(partition_name(monday))
    return made


def partition_name(monday: datetime) -> str:
    return f"run_{monday:%Y%m%d}"


def monday_of(moment: datetime) -> datetime:
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=midnight.weekday())


async def _missing_weeks(db: Database, now: datetime, weeks_ahead: int) -> list[datetime]:
    this_week = monday_of(now)
    wanted = {this_week + timedelta(weeks=number) for number in range(weeks_ahead + 1)}
    stranded = await db.fetch(STRANDED_WEEKS, now - RECENT, this_week)
    wanted |= {row["monday"] for row in stranded}
    existing = {row["relname"] for row in await db.fetch(PARTITIONS)}
    return sorted(monday for monday in wanted if partition_name(monday) not in existing)


async def _make_partition(connection: Connection, monday: datetime) -> bool:
    """False if another process has made it meanwhile.

    A table of its own is filled and then attached: that locks only `run_default`, not `run` as a whole.
    """
    name, until = partition_name(monday), monday + timedelta(weeks=1)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
    if await connection.fetchval("SELECT to_regclass($1)", name) is not None:
        return False
    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL statement_timeout = 0")
    await connection.execute("LOCK TABLE run_default IN ACCESS EXCLUSIVE MODE")
    await connection.execute(f"CREATE TABLE {name} (LIKE run INCLUDING ALL) WITH ({STORAGE})")
    moved = await connection.execute(MOVE.format(name=name), monday, until, timeout=MOVING_SECONDS)
    bounds = f"FROM ('{monday.isoformat()}') TO ('{until.isoformat()}')"
    await connection.execute(f"ALTER TABLE run ATTACH PARTITION {name} FOR VALUES {bounds}", timeout=MOVING_SECONDS)
    log.info("made partition %s; %s runs moved into it", name, moved.rpartition(" ")[2])
    return True
