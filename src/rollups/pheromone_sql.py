"""What pheromone scores are computed from, read for many agents at a time from hourly and daily cells.

Durations are in milliseconds and costs in USD. Intervals are given in hours: days would be those of the session's
time zone.
"""

from ..models import RunStatus
from .cells import whole
from .histogram import COUNT_BITS, MOST

COUNTED = f"c.status IN ({RunStatus.SUCCEEDED:d}, {RunStatus.FAILED:d}, {RunStatus.TIMED_OUT:d})"
"""Whether a cell's runs count: cancelled ones say nothing of the agent."""

WINDOW = "interval '168 hours'"
"""The medians of a day are those of so long before it."""

HISTOGRAMS = ("durations", "costs")

DURATION = "($3::float8[])[{bucket} + 1]"
COST = "(($3::float8[])[{bucket} + 1] / 1e6)"
"""What stands for a bucket; costs are counted in millionths."""

FINENESS = "1e6::float8"
"""Terms are rounded to millionths. Those can be added up in any order without a difference in the last bit."""


def terms(histogram: str, median: str, value: str) -> str:
    """SQL for the terms of a cell's runs, added up, and how many runs those are; nulls without a median."""
    bucket = value.format(bucket=f"(h.entry >> {COUNT_BITS})")
    return f"""
            SELECT sum((h.entry & {MOST}) * round({FINENESS} * CASE
                WHEN {median} + {bucket} = 0 THEN 0.5 ELSE {median} / ({median} + {bucket}) END)) AS terms,
                sum(h.entry & {MOST})::float8 AS runs
            FROM unnest({histogram}) AS h (entry) WHERE {median} IS NOT NULL"""


STARTS = """
    SELECT s.agent_id, before.score, before.starts_at, before.quality IS NULL AS reported,
        CASE WHEN given.hour IS NOT NULL THEN a.pheromone_score END AS given, given.hour AS given_from
    FROM unnest($1::bigint[], $2::timestamptz[]) AS s (agent_id, starts_at)
    JOIN agent_state a ON a.agent_id = s.agent_id
    LEFT JOIN LATERAL (
        SELECT p.score, p.starts_at, p.quality FROM pheromone_hour p
        WHERE p.agent_id = s.agent_id AND p.starts_at < s.starts_at ORDER BY p.starts_at DESC LIMIT 1
    ) before ON true
    LEFT JOIN LATERAL (
        SELECT date_trunc('hour', a.pheromone_at, 'UTC') AS hour WHERE NOT EXISTS (
            SELECT 1 FROM run_hour c WHERE c.agent_id = a.agent_id AND c.scored_runs > 0
            AND c.starts_at = date_trunc('hour', a.pheromone_at, 'UTC'))
    ) given ON true"""
"""What is known of agents before an hour each. A score was given by hand if no run of its hour reported one."""

REPORTED = "SELECT pheromone_at FROM agent_state WHERE agent_id = $1"

MEDIANS = f"""
    WITH since AS (
        SELECT s.agent_id, s.starts_at, date_trunc('day', s.starts_at, 'UTC') AS day
        FROM unnest($1::bigint[], $2::timestamptz[]) AS s (agent_id, starts_at)
    ), stored AS (
        SELECT s.agent_id, s.day, p.median_duration_ms, p.median_cost
        FROM since s CROSS JOIN LATERAL (
            SELECT p.median_duration_ms, p.median_cost FROM pheromone_hour p
            WHERE p.agent_id = s.agent_id AND p.quality IS NOT NULL
            AND p.starts_at >= s.day AND p.starts_at < s.day + interval '24 hours' LIMIT 1
        ) p
    ), missing AS (
        SELECT DISTINCT c.agent_id, date_trunc('day', c.starts_at, 'UTC') AS day
        FROM since s JOIN run_hour c ON c.agent_id = s.agent_id AND c.starts_at >= s.starts_at
        WHERE {COUNTED}
        EXCEPT SELECT agent_id, day FROM stored
    ), span AS (
        SELECT agent_id, min(day) - {WINDOW} AS first, max(day) AS last FROM missing GROUP BY agent_id
    ), cell AS (
        SELECT c.agent_id, c.starts_at, {whole(HISTOGRAMS, "$5")}
        FROM span s JOIN run_day c ON c.agent_id = s.agent_id AND c.starts_at >= s.first AND c.starts_at < s.last
        WHERE {COUNTED} AND NOT EXISTS (
            SELECT 1 FROM rollup_stale r WHERE r.tier = $4 AND r.owner_id = c.agent_id AND r.starts_at = c.starts_at)
        UNION ALL
        SELECT c.agent_id, r.starts_at, {whole(HISTOGRAMS, "$5")}
        FROM span s
        JOIN rollup_stale r ON r.tier = $4 AND r.owner_id = s.agent_id
            AND r.starts_at >= s.first AND r.starts_at < s.last
        JOIN run_hour c ON c.agent_id = s.agent_id
            AND c.starts_at >= r.starts_at AND c.starts_at < r.starts_at + interval '24 hours'
        WHERE {COUNTED}
    ), entry AS (
        SELECT c.agent_id, c.starts_at, h.is_cost, h.entry >> {COUNT_BITS} AS bucket, sum(h.entry & {MOST}) AS number
        FROM cell c CROSS JOIN LATERAL (
            SELECT false AS is_cost, unnest(c.durations) AS entry UNION ALL SELECT true, unnest(c.costs)
        ) h
        GROUP BY 1, 2, 3, 4
    ), ranked AS (
        SELECT m.agent_id, m.day, e.is_cost, e.bucket,
            sum(sum(e.number)) OVER (PARTITION BY m.agent_id, m.day, e.is_cost ORDER BY e.bucket) AS up_to,
            sum(sum(e.number)) OVER (PARTITION BY m.agent_id, m.day, e.is_cost) AS all_of_them
        FROM missing m
        JOIN entry e ON e.agent_id = m.agent_id AND e.starts_at >= m.day - {WINDOW} AND e.starts_at < m.day
        GROUP BY 1, 2, 3, 4
    ), middle AS (
        SELECT agent_id, day, is_cost, min(bucket) AS bucket FROM ranked
        WHERE 2 * up_to >= all_of_them GROUP BY 1, 2, 3
    )
    SELECT agent_id, day, median_duration_ms, median_cost FROM stored
    UNION ALL
    SELECT m.agent_id, m.day,
        min({DURATION.format(bucket="e.bucket")}) FILTER (WHERE NOT e.is_cost),
        min({COST.format(bucket="e.bucket")}) FILTER (WHERE e.is_cost)
    FROM missing m LEFT JOIN middle e ON e.agent_id = m.agent_id AND e.day = m.day
    GROUP BY m.agent_id, m.day"""
"""Nearest-rank medians for each day with runs from an hour of an agent on.

Those of the first day are as they were if any hour of it is stored, for they stem from days before. Of a day that is
stale the hours are taken.
"""

HOURS = f"""
    WITH cell AS (
        SELECT c.agent_id, c.starts_at, c.status, {whole(("runs", "scored_runs", "score", *HISTOGRAMS), "$8")}
        FROM unnest($1::bigint[], $2::timestamptz[]) AS s (agent_id, starts_at)
        JOIN run_hour c ON c.agent_id = s.agent_id AND c.starts_at >= s.starts_at
    ), median AS (
        SELECT m.agent_id, m.day, m.duration, m.cost
        FROM unnest($4::bigint[], $5::timestamptz[], $6::float8[], $7::float8[]) AS m (agent_id, day, duration, cost)
    ), term AS (
        SELECT c.agent_id, c.starts_at,
            sum(d.terms) / nullif(sum(d.runs), 0) / {FINENESS} AS duration,
            sum(m.terms) / nullif(sum(m.runs), 0) / {FINENESS} AS cost
        FROM cell c
        JOIN median ON median.agent_id = c.agent_id AND median.day = date_trunc('day', c.starts_at, 'UTC')
        CROSS JOIN LATERAL ({terms("c.durations", "median.duration", DURATION)}) d
        CROSS JOIN LATERAL ({terms("c.costs", "median.cost", COST)}) m
        WHERE c.status = {RunStatus.SUCCEEDED:d} GROUP BY 1, 2
    ), hour AS (
        SELECT c.agent_id, c.starts_at,
            coalesce(sum(c.runs) FILTER (WHERE {COUNTED}), 0) AS runs,
            coalesce(sum(c.runs) FILTER (WHERE c.status = {RunStatus.SUCCEEDED:d}), 0) AS succeeded,
            (sum(c.score) / nullif(sum(c.scored_runs), 0))::float8 AS reported
        FROM cell c GROUP BY 1, 2
    )
    SELECT h.agent_id, h.starts_at, h.runs, h.succeeded, t.duration, t.cost, h.reported
    FROM hour h LEFT JOIN term t ON t.agent_id = h.agent_id AND t.starts_at = h.starts_at
    WHERE h.runs > 0 OR h.reported IS NOT NULL
    ORDER BY h.agent_id, h.starts_at"""
"""Each agent's hours from one on."""

STALE = "SELECT owner_id, min(starts_at) AS since FROM rollup_stale WHERE tier = $1 GROUP BY owner_id ORDER BY owner_id"

TAKE = """
    WITH mark AS (
        SELECT r.owner_id, r.starts_at FROM rollup_stale r
        WHERE r.tier = $1 AND r.owner_id = ANY($2::bigint[]) FOR UPDATE SKIP LOCKED
    ), taken AS (
        DELETE FROM rollup_stale r USING mark m
        WHERE r.tier = $1 AND r.owner_id = m.owner_id AND r.starts_at = m.starts_at
        RETURNING r.owner_id, r.starts_at
    )
    SELECT owner_id, min(starts_at) AS since FROM taken GROUP BY owner_id ORDER BY owner_id"""
"""Marks that somebody is setting are left for later."""

FORGET = """
    DELETE FROM pheromone_hour p
    USING unnest($1::bigint[], $2::timestamptz[]) AS s (agent_id, starts_at)
    WHERE p.agent_id = s.agent_id AND p.starts_at >= s.starts_at AND NOT EXISTS (
        SELECT 1 FROM unnest($3::bigint[], $4::timestamptz[]) AS h (agent_id, starts_at)
        WHERE h.agent_id = p.agent_id AND h.starts_at = p.starts_at)"""
"""Hours from one on that have no runs any more."""

STORE = """
    INSERT INTO pheromone_hour AS p
        (agent_id, starts_at, score, runs, quality, median_duration_ms, median_cost)
    SELECT h.agent_id, h.starts_at, h.score, h.runs, h.quality, h.median_duration_ms, h.median_cost
    FROM unnest(
        $1::bigint[], $2::timestamptz[], $3::float8[], $4::bigint[], $5::float8[], $6::float8[], $7::float8[]
    ) AS h (agent_id, starts_at, score, runs, quality, median_duration_ms, median_cost)
    ON CONFLICT ON CONSTRAINT pheromone_hour_pkey DO UPDATE SET
        score = excluded.score,
        runs = excluded.runs,
        quality = excluded.quality,
        median_duration_ms = excluded.median_duration_ms,
        median_cost = excluded.median_cost
    WHERE (p.score, p.runs, p.quality, p.median_duration_ms, p.median_cost) IS DISTINCT FROM
        (excluded.score, excluded.runs, excluded.quality, excluded.median_duration_ms, excluded.median_cost)"""

# Rows are locked as the writer of runs locks them, by agent, and read again when they had to be waited for.
SETTLE = """
    WITH now AS (
        SELECT a.agent_id, coalesce($1 + (p.score - $1) * 0.5::float8 ^ (
            greatest(extract(epoch FROM $2::timestamptz - p.starts_at)::float8 / 3600 - 1, 0) / $3), $1) AS score
        FROM agent_state a LEFT JOIN LATERAL (
            SELECT p.score, p.starts_at FROM pheromone_hour p
            WHERE p.agent_id = a.agent_id ORDER BY p.starts_at DESC LIMIT 1
        ) p ON true
        WHERE a.pheromone_at IS NULL
    ), changed AS (
        SELECT a.agent_id, n.score FROM agent_state a JOIN now n ON n.agent_id = a.agent_id
        WHERE a.pheromone_at IS NULL AND abs(a.pheromone_score - n.score) > $4
        ORDER BY a.agent_id FOR UPDATE OF a
    )
    UPDATE agent_state a SET pheromone_score = c.score FROM changed c WHERE a.agent_id = c.agent_id"""
"""Bring the scores of all agents that report none to `$2`, the start of an hour: what the last hour left, evaporated.

`$1` is where they evaporate to, `$3` the half-life in hours; differences up to `$4` are let be.
"""
