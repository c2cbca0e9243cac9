"""Makes of hours what is above them: days of agents, and hours and days of projects.

All of it is made when its time is over, and again whenever an hour below has changed. The cells of an hour that stand
side by side are put together on the way; those of the current hour when they have become many.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..db import Connection, Database
from ..models.rollup import Tier
from .cells import COLUMNS, DAY_OF_CELL, DIMENSIONS, KEY, merged
from .lock import fold_transaction
from .stale import BY_KEY

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

MOST_DAYS = 200
"""Of agents, at a time."""
MOST_PROJECT_HOURS = 20
MOST_PROJECT_DAYS = 20
MOST_CELLS = 200
"""More of an agent in the current hour are put together, if most of them have the same keys."""

PROJECT_KEY = ("project_id", "starts_at", "status")


def _take(tier: Tier, waits_for: str, condition: str) -> str:
    """A DELETE of marks that are ripe: their time is over ($1), and `waits_for` is not stale."""
    return f"""
    WITH o AS MATERIALIZED (
        SELECT s.owner_id, s.starts_at FROM rollup_stale s
        WHERE s.tier = {tier:d} AND s.starts_at <= $1 AND NOT EXISTS (
            SELECT 1 FROM rollup_stale u WHERE u.tier = {waits_for} AND {condition})
        ORDER BY s.starts_at, s.owner_id LIMIT $2 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM rollup_stale s USING o
    WHERE s.tier = {tier:d} AND s.owner_id = o.owner_id AND s.starts_at = o.starts_at
    RETURNING s.owner_id, s.starts_at"""


_OF_PROJECT = "u.owner_id IN (SELECT a.id FROM agent a WHERE a.project_id = s.owner_id)"

TAKE_DAYS = _take(
    Tier.DAY,
    f"{Tier.HOUR:d}",
    "u.owner_id = s.owner_id AND u.starts_at >= s.starts_at AND u.starts_at < s.starts_at + interval '24 hours'",
)
TAKE_PROJECT_HOURS = _take(Tier.PROJECT_HOUR, f"{Tier.HOUR:d}", f"u.starts_at = s.starts_at AND {_OF_PROJECT}")
TAKE_PROJECT_DAYS = _take(Tier.PROJECT_DAY, f"{Tier.DAY:d}", f"u.starts_at = s.starts_at AND {_OF_PROJECT}")

_OWNERS = "unnest($1::bigint[], $2::timestamptz[]) AS o (owner_id, starts_at)"
_OF_DAY = "c.starts_at >= o.starts_at AND c.starts_at < o.starts_at + interval '24 hours'"


def _columns(names: Iterable[str]) -> str:
    return ", ".join(names)


def _make(table: str, key: tuple[str, ...], part: str) -> tuple[str, str]:
    """Two statements that replace an owner's cells of one start by `part` put together."""
    columns = _columns((*key, *COLUMNS))
    clear = f"DELETE FROM {table} c USING {_OWNERS} WHERE c.{key[0]} = o.owner_id AND c.starts_at = o.starts_at"
    make = f"""
    WITH part AS ({part}
    ), {merged(key)}
    INSERT INTO {table} ({columns}) SELECT {columns} FROM cell"""
    return clear, make


MAKE_DAYS = _make(
    "run_day",
    KEY,
    f"""
        SELECT c.agent_id, {DAY_OF_CELL} AS starts_at, {_columns(f"c.{column}" for column in (*DIMENSIONS, *COLUMNS))}
        FROM {_OWNERS} JOIN run_hour c ON c.agent_id = o.owner_id AND {_OF_DAY}""",
)

_PROJECT_PART = f"""
        SELECT o.owner_id AS project_id, o.starts_at, c.status, {_columns(f"c.{column}" for column in COLUMNS)}
        FROM {_OWNERS} JOIN agent a ON a.project_id = o.owner_id
        JOIN {{table}} c ON c.agent_id = a.id AND c.starts_at = o.starts_at"""

MAKE_PROJECT_HOURS = _make("project_hour", PROJECT_KEY, _PROJECT_PART.format(table="run_hour"))
MAKE_PROJECT_DAYS = _make("project_day", PROJECT_KEY, _PROJECT_PART.format(table="run_day"))

COMPACT = f"""
    WITH doubled AS (
        SELECT c.agent_id, c.starts_at, c.id,
            count(*) OVER (PARTITION BY {_columns(f"c.{name}" for name in KEY)}) AS cells
        FROM ({{agent_hours}}) h JOIN run_hour c ON c.agent_id = h.agent_id AND c.starts_at = h.starts_at
    ), part AS (
        DELETE FROM run_hour c USING doubled d
        WHERE d.cells > 1 AND c.agent_id = d.agent_id AND c.starts_at = d.starts_at AND c.id = d.id
        RETURNING {_columns(f"c.{name}" for name in (*KEY, *COLUMNS))}
    ), {merged(KEY)}
    INSERT INTO run_hour ({_columns((*KEY, *COLUMNS))}) SELECT {_columns((*KEY, *COLUMNS))} FROM cell"""

COMPACT_PROJECT_HOURS = COMPACT.format(
    agent_hours=f"SELECT a.id AS agent_id, o.starts_at FROM {_OWNERS} JOIN agent a ON a.project_id = o.owner_id"
)
COMPACT_AGENT_HOURS = COMPACT.format(
    agent_hours="SELECT agent_id, starts_at FROM unnest($1::bigint[], $2::timestamptz[]) AS u (agent_id, starts_at)"
)

CROWDED = f"""
    SELECT c.agent_id, c.starts_at FROM (
        SELECT c.agent_id, c.starts_at FROM run_hour c WHERE c.starts_at >= $1
        GROUP BY 1, 2 HAVING count(*) > $2 ORDER BY 1, 2
    ) h JOIN run_hour c ON c.agent_id = h.agent_id AND c.starts_at = h.starts_at
    GROUP BY 1, 2 HAVING count(*) > 2 * count(DISTINCT ({_columns(f"c.{name}" for name in DIMENSIONS)}))"""


async def roll(db: Database, now: datetime) -> bool:
    """Take one turn at each tier; gives whether more is waiting that can be done."""
    days = await _roll(db, TAKE_DAYS, now - DAY, MOST_DAYS, *MAKE_DAYS)
    hours = await _roll(
        db, TAKE_PROJECT_HOURS, now - HOUR, MOST_PROJECT_HOURS, COMPACT_PROJECT_HOURS, *MAKE_PROJECT_HOURS
    )
    project_days = await _roll(db, TAKE_PROJECT_DAYS, now - DAY, MOST_PROJECT_DAYS, *MAKE_PROJECT_DAYS)
    await _compact_crowded(db, now)
    return days == MOST_DAYS or hours == MOST_PROJECT_HOURS or project_days == MOST_PROJECT_DAYS


async def _roll(db: Database, take: str, until: datetime, most: int, *make: str) -> int:
    """Make what is stale and began no later than `until`; gives how much it was."""
    async with fold_transaction(db) as connection:
        await connection.execute(BY_KEY)
        taken = await connection.fetch(take, until, most)
        if taken:
            await _execute(connection, make, [(row["owner_id"], row["starts_at"]) for row in taken])
    return len(taken)


async def _compact_crowded(db: Database, now: datetime) -> None:
    async with fold_transaction(db) as connection:
        await connection.execute(BY_KEY)
        crowded = await connection.fetch(CROWDED, now - HOUR, MOST_CELLS)
        if crowded:
            await _execute(connection, [COMPACT_AGENT_HOURS], [(row["agent_id"], row["starts_at"]) for row in crowded])


async def _execute(connection: Connection, statements: Iterable[str], of: list[tuple[int, datetime]]) -> None:
    owners, starts = [owner for owner, _ in of], [at for _, at in of]
    for statement in statements:
        await connection.execute(statement, owners, starts)
