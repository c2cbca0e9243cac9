"""Makes of hours what is above them: days of agents, and hours and days of projects.

All of it is made when its time is over, and again whenever an hour below has changed. The cells of an hour that stand
side by side are put together on the way; those of the current hour when they have become many.

With a project's hour its minutes are made, of the runs unless they are too many: they are for the ends of ranges that
cut an hour. Nearly all ranges end now, so the minutes of the last hours are enough.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from asyncpg import Record

from ..db import Connection, Database
from ..models.rollup import Tier
from .cells import (
    COLUMNS,
    DAY_OF_CELL,
    DIMENSIONS,
    KEY,
    OF_DAYS,
    OF_PROJECTS,
    insert,
    merged,
    minutes_of_projects,
    whole,
)
from .histogram import BOUNDS
from .lock import fold_transaction
from .pending import folded_runs
from .stale import BY_KEY, owners_and_starts

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

MOST_DAYS = 200
"""Of agents, at a time."""
MOST_PROJECT_HOURS = 20
MOST_PROJECT_DAYS = 20
MINUTES_KEPT = 50 * HOUR
"""They reach back to where the range before the last 24 hours begins."""
MOST_RUNS_BY_MINUTE = 100_000
"""Of a project's hour: more would hold up the fold too long, again and again as late runs arrive."""
MOST_CELLS = 200
"""More of an agent in the current hour are put together, if most of them have the same keys."""

PROJECT_KEY = ("project_id", "starts_at", "status")


_OWNERS = "unnest($1::bigint[], $2::timestamptz[]) AS o (owner_id, starts_at)"

_OF_PROJECT = "u.owner_id IN (SELECT a.id FROM agent a WHERE a.project_id = s.owner_id)"
_IN_DAY = "u.starts_at >= s.starts_at AND u.starts_at < s.starts_at + interval '24 hours'"


def _none_stale(tier: Tier, condition: str) -> str:
    return f"NOT EXISTS (SELECT 1 FROM rollup_stale u WHERE u.tier = {tier:d} AND {condition})"


RIPE = {
    Tier.DAY: _none_stale(Tier.HOUR, f"u.owner_id = s.owner_id AND {_IN_DAY}"),
    Tier.PROJECT_HOUR: _none_stale(Tier.HOUR, f"u.starts_at = s.starts_at AND {_OF_PROJECT}"),
    Tier.PROJECT_DAY: _none_stale(Tier.DAY, f"u.starts_at = s.starts_at AND {_OF_PROJECT}")
    + " AND "
    + _none_stale(Tier.PROJECT_HOUR, f"u.owner_id = s.owner_id AND {_IN_DAY}"),
}
"""Condition of a mark `s`, by its tier: nothing is stale of what is below."""


def _lock(tier: Tier) -> str:
    """At most $2 marks that are ripe and began no later than $1; those that somebody holds are left for later."""
    return f"""
    SELECT s.owner_id, s.starts_at FROM rollup_stale s
    WHERE s.tier = {tier:d} AND s.starts_at <= $1 AND {RIPE[tier]}
    ORDER BY s.starts_at, s.owner_id LIMIT $2 FOR UPDATE OF s SKIP LOCKED"""


def _take(tier: Tier) -> str:
    """A DELETE of marks that are locked ($1, $2), as far as they are still ripe."""
    return f"""
    DELETE FROM rollup_stale s USING {_OWNERS}
    WHERE s.tier = {tier:d} AND s.owner_id = o.owner_id AND s.starts_at = o.starts_at AND {RIPE[tier]}
    RETURNING s.owner_id, s.starts_at"""


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

CLEAR_MINUTES = f"""
    DELETE FROM project_minute c USING {_OWNERS}
    WHERE c.project_id = o.owner_id AND c.starts_at >= o.starts_at AND c.starts_at < o.starts_at + interval '1 hour'"""

# Runs that are still in the ledger are in no cell: the fold adds them, and marks the hour again.
MAKE_MINUTES = f"""
    WITH chosen AS (
        UPDATE project_hour c SET has_minutes = true FROM {_OWNERS}
        WHERE c.project_id = o.owner_id AND c.starts_at = o.starts_at
            AND o.starts_at >= (SELECT minutes_since FROM run_horizon)
            AND (
                SELECT sum(p.runs) FROM project_hour p WHERE p.project_id = o.owner_id AND p.starts_at = o.starts_at
            ) <= {MOST_RUNS_BY_MINUTE}
        RETURNING c.project_id, c.starts_at
    ), h AS (
        SELECT DISTINCT a.id AS agent_id, o.starts_at FROM chosen o JOIN agent a ON a.project_id = o.project_id
    ), r AS (
        SELECT r.* FROM {folded_runs("h")}
    ), {minutes_of_projects("$3")}
    {insert("project_minute", PROJECT_KEY, OF_PROJECTS)}"""

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
    CLEAR_MINUTES,
    MAKE_MINUTES,
)
PROJECT_DAYS = (
    _clear("project_day", "project_id"),
    MAKE_OF_PROJECT.format(table="project_day", part="run_day"),
)
CROWDED_HOURS = (COMPACT.format(agent_hours=f"SELECT o.owner_id AS agent_id, o.starts_at FROM {_OWNERS}"),)
"""Statements that make what they name anew, of owners ($1) and starts ($2); $3, if there, are BOUNDS."""


class Step(NamedTuple):
    """How marks of a tier are locked, how they are taken away, and how what they stand for is made.

    Locking and taking are two statements: a correction that is committed while the first one runs may change a mark
    that is then locked all the same, but the marks it has set below are only seen by the second one.
    """

    lock: str
    take: str
    make: tuple[str, ...]


OF_DAYS_OF_AGENTS = Step(_lock(Tier.DAY), _take(Tier.DAY), DAYS)
OF_PROJECT_HOURS = Step(_lock(Tier.PROJECT_HOUR), _take(Tier.PROJECT_HOUR), PROJECT_HOURS)
OF_PROJECT_DAYS = Step(_lock(Tier.PROJECT_DAY), _take(Tier.PROJECT_DAY), PROJECT_DAYS)

CROWDED = f"""
    SELECT c.agent_id AS owner_id, c.starts_at FROM (
        SELECT c.agent_id, c.starts_at FROM run_hour c WHERE c.starts_at >= $1
        GROUP BY 1, 2 HAVING count(*) > $2 ORDER BY 1, 2
    ) h JOIN run_hour c ON c.agent_id = h.agent_id AND c.starts_at = h.starts_at
    GROUP BY 1, 2 HAVING count(*) > 2 * count(DISTINCT ({_columns(f"c.{name}" for name in DIMENSIONS)}))"""


FORGET_MINUTES = """
    WITH moved AS (UPDATE run_horizon SET minutes_since = $1 WHERE minutes_since < $1)
    DELETE FROM project_minute WHERE starts_at < $1"""


async def roll(db: Database, now: datetime) -> bool:
    """Take one turn at each tier; gives whether more is waiting that can be done."""
    await _forget_minutes(db, now)
    days = await _roll(db, OF_DAYS_OF_AGENTS, now - DAY, MOST_DAYS)
    hours = await _roll(db, OF_PROJECT_HOURS, now - HOUR, MOST_PROJECT_HOURS)
    project_days = await _roll(db, OF_PROJECT_DAYS, now - DAY, MOST_PROJECT_DAYS)
    await _compact_crowded(db, now)
    return days == MOST_DAYS or hours == MOST_PROJECT_HOURS or project_days == MOST_PROJECT_DAYS


async def _roll(db: Database, step: Step, until: datetime, most: int) -> int:
    """Make what is stale and began no later than `until`; gives how many marks were looked at."""
    async with fold_transaction(db) as connection:
        await connection.execute(BY_KEY)
        locked = await connection.fetch(step.lock, until, most)
        if locked:
            await _execute(connection, step.make, await connection.fetch(step.take, *owners_and_starts(locked)))
    return len(locked)


async def _forget_minutes(db: Database, now: datetime) -> None:
    since = (now - MINUTES_KEPT).astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if not await db.fetchval("SELECT minutes_since < $1 FROM run_horizon", since):
        return
    async with fold_transaction(db) as connection:
        await connection.execute(FORGET_MINUTES, since)


async def _compact_crowded(db: Database, now: datetime) -> None:
    async with fold_transaction(db) as connection:
        await connection.execute(BY_KEY)
        await _execute(connection, CROWDED_HOURS, await connection.fetch(CROWDED, now - HOUR, MOST_CELLS))


async def _execute(connection: Connection, statements: Iterable[str], of: Sequence[Record]) -> None:
    if not of:
        return
    for statement in statements:
        await connection.execute(statement, *owners_and_starts(of), *([BOUNDS] if "$3" in statement else []))
