"""Whether agents get better or worse: the success rate of the second half of their runs against the first's.

The halves are of runs, not of time: all that succeeded, failed or timed out, ordered by start and id, of which the
first half gets the smaller number where it is odd. Sums by hour tell in which hour the first half ends; only that
hour's runs are looked at one by one, and all of it is one statement, for any number of agents.
"""

from collections.abc import Sequence
from enum import StrEnum

from ..db import Database
from ..rollups.cells import HOUR_OF_RUN
from .parts import Parts
from .question import Dimension, Question
from .ranges import ResolvedRange
from .reading import Reading, reading
from .scope import Scope
from .spans import Bucket


class Trend(StrEnum):
    """How the success rate of the second half of the runs stands to that of the first, in points of per cent."""

    IMPROVING = "IMPROVING"
    STABLE = "STABLE"
    DECLINING = "DECLINING"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
    NO_DATA = "NO_DATA"


LEAST_RUNS = 10
"""Fewer do not make a trend."""

POINTS = 5
"""A change of more points than these, in either direction, is a trend."""

OF_RUNS = f"{HOUR_OF_RUN}, 1::bigint, (r.status = 2)::int"
OF_CELLS = "c.starts_at, c.runs::bigint, CASE c.status WHEN 2 THEN c.runs ELSE 0 END"

# `ended` is the hour in which the first half ends, `taken` how many of its runs belong to that half. Where that hour's
# runs have been dropped, its successes are split in proportion. Rates are compared as fractions of whole numbers, so
# that a change of exactly POINTS is none: p / q > POINTS / 100 where 100 p > POINTS q.
HALVES = f"""
WITH part (agent_id, starts_at, runs, succeeded) AS ({{parts}}
), hour AS MATERIALIZED (
    SELECT p.agent_id, p.starts_at, sum(p.runs)::bigint AS runs, sum(p.succeeded)::bigint AS succeeded
    FROM part p GROUP BY 1, 2
), cumulated AS (
    SELECT h.agent_id, h.starts_at, h.runs, h.succeeded,
        sum(h.runs) OVER so_far AS runs_so_far, sum(h.succeeded) OVER so_far AS succeeded_so_far,
        sum(h.runs) OVER agent AS all_runs, sum(h.succeeded) OVER agent AS all_succeeded,
        greatest(div(sum(h.runs) OVER agent, 2), 1) AS half
    FROM hour h
    WINDOW agent AS (PARTITION BY h.agent_id), so_far AS (PARTITION BY h.agent_id ORDER BY h.starts_at)
), ended AS (
    SELECT c.agent_id, c.starts_at, c.runs, c.succeeded, c.all_runs, c.all_succeeded, c.half,
        c.succeeded_so_far - c.succeeded AS succeeded_before, c.half - (c.runs_so_far - c.runs) AS taken
    FROM cumulated c
    WHERE c.runs_so_far >= c.half AND c.runs_so_far - c.runs < c.half
), split AS MATERIALIZED (
    SELECT e.agent_id, e.all_runs, e.half, e.all_runs - e.half AS other_half,
        CASE WHEN e.starts_at >= {{horizon}} THEN e.succeeded_before + (
            SELECT count(*) FILTER (WHERE f.status = 2)
            FROM (
                SELECT r.status, row_number() OVER (ORDER BY r.started_at, r.id) AS place
                FROM run r
                WHERE r.agent_id = e.agent_id AND r.status IN (2, 3, 5)
                    AND r.started_at >= greatest(e.starts_at, {{from_}})
                    AND r.started_at < least(e.starts_at + interval '1 hour', {{to}})
            ) f WHERE f.place <= e.taken
        ) ELSE e.succeeded_before + e.succeeded * e.taken / e.runs END AS succeeded,
        e.all_succeeded
    FROM ended e
), compared AS (
    SELECT s.agent_id, s.all_runs,
        100 * ((s.all_succeeded - s.succeeded) * s.half - s.succeeded * s.other_half) AS change,
        {POINTS} * s.half * s.other_half AS threshold
    FROM split s
)
SELECT agent_id,
    CASE WHEN all_runs < {LEAST_RUNS} THEN 'INSUFFICIENT_DATA'
        WHEN change > threshold THEN 'IMPROVING'
        WHEN change < -threshold THEN 'DECLINING'
        ELSE 'STABLE' END
FROM compared"""


async def of_agents(db: Database, scope: Scope, range_: ResolvedRange, agent_ids: Sequence[int]) -> list[Trend]:
    """The trends of agents within a range, in the order of their ids."""
    question = Question(range_, by=Dimension.AGENT, bucket=Bucket.HOUR, owners=tuple(agent_ids))
    trends: dict[int, Trend] = {}
    async with reading(db, scope, question) as found:
        if not found.is_nothing:
            sql, args = _sql(found)
            rows = await found.connection.fetch(sql, *args)
            trends = {agent_id: Trend(trend) for agent_id, trend in rows}
    return [trends.get(agent_id, Trend.NO_DATA) for agent_id in agent_ids]


def _sql(reading: Reading) -> tuple[str, list[object]]:
    """The statement and its parameters. Its rows: an agent's id and trend."""
    parts = Parts(reading.where, Dimension.AGENT)
    outcome = "status IN (2, 3, 5)"
    parts.add_hours(reading.spans, "run_hour", OF_CELLS, OF_RUNS, cells=f" AND c.{outcome}", runs=f" AND r.{outcome}")
    ends = (reading.horizon, reading.range.from_, reading.range.to)
    horizon, from_, to = (f"{parts.statement.arg(end)}::timestamptz" for end in ends)
    return HALVES.format(parts=parts.union(), horizon=horizon, from_=from_, to=to), parts.statement.args
