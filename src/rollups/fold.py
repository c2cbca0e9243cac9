"""The fold: takes runs from the ledger into the hours.

It only adds. What it makes stands beside the cells that are there; roll.py puts them together when the hour is over.
One statement takes the ledger's rows out and adds their runs, so a run is in one of the two, whatever happens.
Runs of stale hours are left to recompute.py, which makes all of these: it takes back what a corrected run said and
adds what it says in one transaction, so nobody sees it counted twice.
"""

from dataclasses import dataclass

from ..db import Database
from ..models.rollup import Tier
from . import groups, totals
from .cells import HOUR_OF_RUN, READ, hours_of_runs, insert
from .histogram import BOUNDS
from .lock import fold_transaction
from .pending import pending_runs
from .series import add_series
from .stale import mark, marks_of_hours

MOST_BATCHES = 10_000
MOST_RUNS = 60_000
"""So many are taken at a time: for the time of a turn, the tiers are locked to others, and memory is used."""

# `before` is what comes before a batch: places to look at, then runs. A batch has no more of these than there are ids
# between its least and its greatest, nor than its places hold.
FOLD = f"""
    WITH placed AS MATERIALIZED (
        SELECT b.id, b.first_ids, b.last_ids,
            sum(cardinality(b.agent_ids)) OVER (ORDER BY b.id) - cardinality(b.agent_ids) AS before
        FROM run_batch b ORDER BY b.id LIMIT $2
    ), oldest AS MATERIALIZED (
        SELECT b.id, sum(p.runs) OVER (ORDER BY b.id) - p.runs AS before
        FROM placed b
        CROSS JOIN LATERAL (
            SELECT least(sum(e.last_id - e.first_id + 1), max(e.last_id) - min(e.first_id) + 1) AS runs
            FROM unnest(b.first_ids, b.last_ids) AS e (first_id, last_id)
        ) p
        WHERE b.before < 2 * $2
    ), taken AS (
        DELETE FROM run_batch b USING oldest o WHERE b.id = o.id AND o.before < $3
        RETURNING b.id, b.started_from, b.started_to, b.agent_ids, b.first_ids, b.last_ids
    ), r AS MATERIALIZED (
        SELECT {", ".join(f"r.{column}" for column in READ)}
        FROM {pending_runs("taken")}
        WHERE NOT EXISTS (
            SELECT 1 FROM rollup_stale s
            WHERE s.tier = {Tier.HOUR:d} AND s.owner_id = r.agent_id AND s.starts_at = {HOUR_OF_RUN}
            AND s.starts_at >= (SELECT runs_since FROM run_horizon)
        )
    ), {hours_of_runs("$1", totals.OF_RUNS_UP_TO)}, hour AS (
        {insert("run_hour")}
    ), total AS (
        {totals.add_totals(f"SELECT {', '.join((*totals.KEY, *totals.COLUMNS))} FROM cell")}
    ), series AS (
        {add_series("cell")}
    ), error AS (
        INSERT INTO error_hour ({", ".join(groups.COLUMNS)})
        {groups.groups_of_runs("r")}
    ), stale AS (
        {mark(marks_of_hours(f"SELECT DISTINCT r.agent_id, r.project_id, {HOUR_OF_RUN} AS starts_at FROM r"))}
    )
    SELECT (SELECT count(*) FROM taken) AS batches, (SELECT count(*) FROM run_batch) AS waiting"""

# Clocks may differ: nothing has waited for less than no time. Without a batch `greatest` alone would say zero.
LAG = """
    SELECT CASE WHEN count(*) > 0 THEN greatest(extract(epoch FROM now() - min(recorded_at)), 0)::float8 END AS seconds,
        count(*) AS batches
    FROM run_batch"""


@dataclass(frozen=True, slots=True)
class Lag:
    """Of the batches that are still to be folded: for how long the oldest has waited (null: there is none)."""

    seconds: float | None
    batches: int


async def fold(db: Database) -> bool:
    """Take one turn; gives whether more is waiting."""
    async with fold_transaction(db) as connection:
        row = await connection.fetchrow(FOLD, BOUNDS, MOST_BATCHES, MOST_RUNS)
    return bool(row["waiting"] > row["batches"])


async def lag(db: Database) -> Lag:
    (row,) = await db.fetch(LAG)
    return Lag(row["seconds"], row["batches"])
