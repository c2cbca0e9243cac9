"""Makes of hours what is above them: days of agents, and hours and days of projects.

All of it is made when its time is over, and again whenever an hour below has changed. The cells of an hour that stand
side by side are put together on the way; those of the current hour when they have become many.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ..db import Connection, Database
from ..models.rollup import Tier
from .cells import COLUMNS, DAY_OF_CELL, DIMENSIONS, KEY, OF_DAYS, OF_PROJECTS, insert, merged, whole
from .histogram import BOUNDS
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


def _clear(table: str, owner: str) -> str:
    return f"DELETE FROM {table} c USING {_OWNERS} WHERE c.{owner} = o.owner_id AND c.starts_at = o.starts_at"


MAKE_DAYS = f"""
    WITH part AS (
        SELECT c.agent_id, {DAY_OF_CELL} AS starts_at, {_columns(f"c.{name}" for name in DIMENSIONS)},
            {whole(OF_DAYS, "$3")}
        FROM {_OWNERS} JOIN run_hour c ON c.agent_id = o.owner_id AND {_OF_DAY}
    ), {merged(KEY, OF_DAYS)}
    {insert("run_day", KEY, OF_DAYS)}"""

MAKE_OF_PROJECT = f"""
    WITH part AS (
        SELECT o.owner_id AS project_id, o.starts_at, c.status, {whole(OF_PROJECTS, "$3")}
        FROM {_OWNERS} JOIN agent a ON a.project_id = o.owner_id
        JOIN {{part}} c ON c.agent_id = a.id AND c.starts_at = o.starts_at
    ), {merged(PROJECT_KEY, OF_PROJECTS)}
    {insert("{table}", PROJECT_KEY, OF_PROJECTS)}"""

COMPACT = f"""
    WITH doubled AS (
        SELECT c.agent_id, c.ctid AS place,
            count(*) OVER (PARTITION BY {_columns(f"c.{name}" for name in KEY)}) AS cells
        FROM ({{agent_hours}}) h JOIN run_hour c ON c.agent_id = h.agent_id AND c.starts_at = h.starts_at
    ), part AS (
        DELETE FROM run_hour c USING doubled d WHERE d.cells > 1 AND c.agent_id = d.agent_id AND c.ctid = d.place
        RETURNING {_columns(f"c.{name}" for name in KEY)}, {whole(COLUMNS, "$3")}
    ), {merged(KEY)}
    {insert("run_hour")}"""

DAYS = (_clear("run_day", "agent_id"), MAKE_DAYS)
PROJECT_HOURS = (
    COMPACT.format(
        agent_hours=f"SELECT a.id AS agent_id, o.starts_at FROM {_OWNERS} JOIN agent a ON a.project_id = o.owner_id"
    ),
    _clear("project_hour", "project_id"),
    MAKE_OF_PROJECT.format(table="project_hour", part="run_hour"),
)
PROJECT_DAYS = (
    _clear("project_day", "project_id"),
    MAKE_OF_PROJECT.format(table="project_day", part="run_day"),
)
CROWDED_HOURS = (COMPACT.format(agent_hours=f"SELECT o.owner_id AS agent_id, o.starts_at FROM {_OWNERS}"),)
"""Statements that make what they name anew, of owners ($1) and starts ($2); $3, if there, are BOUNDS."""

CROWDED = f"""
    SELECT c.agent_id, c.starts_at FROM (
        SELECT c.agent_id, c.starts_at FROM run_hour c WHERE c.starts_at >= $1
        GROUP BY 1, 2 HAVING count(*) > $2 ORDER BY 1, 2
    ) h JOIN run_hour c ON c.agent_id = h.agent_id AND c.starts_at = h.starts_at
    GROUP BY 1, 2 HAVING count(*) > 2 * count(DISTINCT ({_columns(f"c.{name}" for name in DIMENSIONS)}))"""


async def roll(db: Database, now: datetime) -> bool:
    """Take one turn at each tier; gives whether more is waiting that can be done."""
    days = await _roll(db, TAKE_DAYS, now - DAY, MOST_DAYS, DAYS)
    hours = await _roll(db, TAKE_PROJECT_HOURS, now - HOUR, MOST_PROJECT_HOURS, PROJECT_HOURS)
    project_days = await _roll(db, TAKE_PROJECT_DAYS, now - DAY, MOST_PROJECT_DAYS, PROJECT_DAYS)
    await _compact_crowded(db, now)
    return days == MOST_DAYS or hours == MOST_PROJECT_HOURS or project_days == MOST_PROJECT_DAYS


async def _roll(db: Database, take: str, until: datetime, most: int, make: Iterable[str]) -> int:
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
            await _execute(connection, CROWDED_HOURS, [(row["agent_id"], row["starts_at"]) for row in crowded])


async def _execute(connection: Connection, statements: Iterable[str], of: list[tuple[int, datetime]]) -> None:
    owners, starts = [owner for owner, _ in of], [at for _, at in of]
    for statement in statements:
        await connection.execute(statement, owners, starts, *([BOUNDS] if "$3" in statement else []))
