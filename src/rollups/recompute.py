"""Makes stale hours of agents anew from their runs: those that a correction has made wrong, or that were never made.

The mark is taken away first. Whoever corrects a run afterwards sets it again, so what the next statement does not see
is not forgotten. Runs that are still in the ledger are left to the fold, which adds them.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from asyncpg import Record

from ..db import Connection, Database
from ..models.rollup import Tier
from . import groups, totals
from .cells import COLUMNS, KEY, READ, hours_of_runs, insert, whole
from .histogram import BOUNDS
from .lock import fold_transaction
from .pending import folded_runs
from .series import add_series
from .stale import BY_KEY, mark, marks_of_hours, owners_and_starts

MOST_HOURS = 2_000
MOST_RUNS = 50_000
"""So many are read at a time, and one hour at least."""

# The lock keeps retention from dropping what is being read.
HORIZON = "SELECT runs_since FROM run_horizon FOR SHARE"

# A statement of its own: who corrects a run updates its mark, and PostgreSQL 18.4 crashes where a statement that meets
# a row updated since it began goes on to read partitions that it selects row by row, as TAKE does.
LOCK = f"""
    SELECT s.owner_id, s.starts_at FROM rollup_stale s
    WHERE s.tier = {Tier.HOUR:d} AND ($1::timestamptz IS NULL OR (s.starts_at, s.owner_id) > ($1, $2::bigint))
    AND ($3::timestamptz IS NULL OR s.starts_at < $3) AND ($4::bigint IS NULL OR s.owner_id = $4)
    ORDER BY s.starts_at, s.owner_id LIMIT $5 FOR UPDATE SKIP LOCKED"""

# Of marks that are locked. Before the horizon there is nothing left to make an hour of.
TAKE = f"""
    WITH sized AS MATERIALIZED (
        SELECT o.owner_id, o.starts_at, coalesce(sum(p.runs) OVER (
                ORDER BY o.starts_at, o.owner_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ), 0) AS before
        FROM unnest($1::bigint[], $2::timestamptz[]) AS o (owner_id, starts_at) CROSS JOIN LATERAL (
            SELECT CASE WHEN o.starts_at < $3 THEN 0 ELSE (
                SELECT count(*) FROM run r WHERE r.agent_id = o.owner_id
                AND r.started_at >= o.starts_at AND r.started_at < o.starts_at + interval '1 hour') END AS runs
        ) p
    )
    DELETE FROM rollup_stale s USING sized o
    WHERE s.tier = {Tier.HOUR:d} AND s.owner_id = o.owner_id AND s.starts_at = o.starts_at AND o.before < $4
    RETURNING s.owner_id, s.starts_at"""

RUNS = f"""
    h AS (
        SELECT h.agent_id, h.starts_at FROM unnest($1::bigint[], $2::timestamptz[]) AS h (agent_id, starts_at)
    ), r AS MATERIALIZED (
        SELECT {", ".join(f"r.{column}" for column in READ)}
        FROM {folded_runs("h")}
    )"""

_TOTALS = ", ".join((*totals.KEY, *(f"{column}" for column in totals.COLUMNS)))
_TAKEN_BACK = ", ".join((*totals.KEY, *(f"-{column}" for column in totals.COLUMNS)))

HOURS = f"""
    WITH {RUNS}, {hours_of_runs("$3", totals.OF_RUNS_UP_TO)}, old AS (
        DELETE FROM run_hour c USING h WHERE c.agent_id = h.agent_id AND c.starts_at = h.starts_at
        RETURNING {", ".join(f"c.{name}" for name in KEY)}, {whole(COLUMNS, "$3")}
    ), hour AS (
        {insert("run_hour")}
    ), change AS MATERIALIZED (
        SELECT {_TOTALS} FROM cell c
        UNION ALL SELECT {_TAKEN_BACK} FROM old c CROSS JOIN {totals.UP_TO_OF_CELL}
    ), total AS (
        {totals.add_totals(f"SELECT {_TOTALS} FROM change")}
    ), series AS (
        {add_series("change")}
    )
    SELECT (SELECT count(*) FROM cell) AS cells, (SELECT count(*) FROM old) AS replaced"""

ERRORS = f"""
    WITH {RUNS}, old AS (
        DELETE FROM error_hour e USING h WHERE e.agent_id = h.agent_id AND e.starts_at = h.starts_at
    )
    INSERT INTO error_hour ({", ".join(groups.COLUMNS)})
    {groups.groups_of_runs("r")}"""

MARK = mark(
    marks_of_hours(
        """SELECT h.agent_id, a.project_id, h.starts_at
        FROM unnest($1::bigint[], $2::timestamptz[]) AS h (agent_id, starts_at) JOIN agent a ON a.id = h.agent_id"""
    )
)


Place = tuple[datetime, int]
"""Where an hour of an agent stands among the stale ones: its start and the agent."""


class Turn(NamedTuple):
    """What a turn did: the last of the stale hours that it took, and the cells that it made of them all, and replaced.

    `last` is None where nothing was stale. `was_cut` tells that there was more than a turn takes.
    """

    last: Place | None = None
    was_cut: bool = False
    cells: int = 0
    replaced: int = 0


async def recompute(db: Database) -> bool:
    """Take one turn; gives whether more is waiting that should be made at once.

    Those are hours that have not been made before. Where runs of busy hours are corrected all the time, those hours
    are made anew in every turn, so turns at them should be well apart: the longer they take, the more.
    """
    turn = await recompute_within(db)
    return turn.was_cut and not turn.replaced


async def recompute_within(
    db: Database, after: Place | None = None, to: datetime | None = None, agent_id: int | None = None
) -> Turn:
    """Take one turn at hours behind a place that start before `to`, of one agent or of all."""
    async with fold_transaction(db) as connection:
        await connection.execute(BY_KEY)
        since = await connection.fetchval(HORIZON)
        locked = await connection.fetch(LOCK, *(after or (None, None)), to, agent_id, MOST_HOURS)
        if not locked:
            return Turn()
        taken = await connection.fetch(TAKE, *owners_and_starts(locked), since, MOST_RUNS)
        hours = [row for row in taken if row["starts_at"] >= since]
        cells, replaced = await _make(connection, hours) if hours else (0, 0)
    last = max((row["starts_at"], row["owner_id"]) for row in taken)
    return Turn(last, len(locked) == MOST_HOURS or len(taken) < len(locked), cells, replaced)


async def _make(connection: Connection, hours: Iterable[Record]) -> tuple[int, int]:
    """Gives how many cells were made, and how many replaced."""
    agents, starts = owners_and_starts(hours)
    cells, replaced = await connection.fetchrow(HOURS, agents, starts, BOUNDS)
    await connection.execute(ERRORS, agents, starts)
    await connection.execute(MARK, agents, starts)
    return cells, replaced
