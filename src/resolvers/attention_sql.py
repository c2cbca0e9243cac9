"""What the rules of attention.py are put to, read by one statement: for each rule a SELECT of all that it may be about.

It reads the tiers as they stand, without the runs of the last seconds that are still to be folded. Of cells by the
hour, of which there are most, it reads few: the hours of projects tell first which hours are worth a closer look.
"""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from ..rollups.cells import held
from .agents import FAILURES_TO_ERROR

LOOKBACK = timedelta(days=7)
"""How far back anything is looked for."""

USUAL_OVER = timedelta(days=14)
"""Over how long it is taken what is usual for a provider or an agent."""

RECENT = timedelta(hours=24)
"""How long a version is judged by what it did last, and an error counts as new."""

VERSION_AGE = timedelta(days=14)
"""A version that came earlier is no longer held against the one before."""

VERSION_RUNS = 30
"""Finished runs that each of the two versions has to have: fewer prove nothing."""

SILENT_FOR = timedelta(hours=3)
USUAL_HOURS = 24
"""An agent is looked at after so long without a run, if it ran in so many different hours of the week before."""

ERROR_RUNS = 3
KNOWN_FOR = timedelta(days=3)
"""Runs that make a new error worth telling, and for how long its agent has to be known: of a new one all are new."""

SUSPICIOUS = 3.0
"""Standard deviations that the failures of a project's hour lie above the usual: enough for a closer look."""

DEARER = 1.15
"""So many times what a run of the project usually costs makes an hour worth a closer look."""

FAILING_HOURS, DEAR_HOURS = 36, 24
"""So many hours at most are looked at more closely, those that stand out most; what lasts longer is cut."""

OUTAGE_RATE = 0.2
OUTAGE_FAILURES = 5
"""More than so great a part, and at least so many, of a provider's runs fail in an hour of an outage."""

SPIKE_TIMES = 3
SPIKE_RUNS = 3
SPIKE_USD = 1
"""In an hour of a spike an agent's runs, so many at least, cost so many times what they usually would, and so much."""

WORSE_LATENCY = 1.5
"""So many times the average duration, and the median one, makes a version worse. Medians are dear: read only then."""


class Failing(msgspec.Struct, frozen=True):
    """An agent whose status is ERROR; `since` is the start of its last success."""

    agent_id: int
    agent: str
    failures: int
    since: datetime | None
    at: datetime | None
    error_type: str | None
    message: str | None


class Pause(msgspec.Struct, frozen=True):
    """An agent that used to be busy, without a run since `since`; the longest pause that is usual with it, in hours."""

    agent_id: int
    agent: str
    since: datetime
    longest: float


class NewError(msgspec.Struct, frozen=True):
    """A kind of error that an agent did not have before."""

    agent_id: int
    agent: str
    error_type: str
    fingerprint: str
    message: str
    runs: int
    first_at: datetime
    last_at: datetime


class Successor(msgspec.Struct, frozen=True):
    """A version by its runs since `since`, beside the one before by all of its runs.

    The durations are histograms' entries, of the version before those of `USUAL_OVER`. They are null unless the
    average is `WORSE_LATENCY` times what it was.
    """

    agent_id: int
    agent: str
    version_id: int
    version: str
    since: datetime
    finished: int
    failed: int
    durations: list[int] | None
    before: str
    finished_before: int
    failed_before: int
    durations_before: list[int] | None


class ProviderHour(msgspec.Struct, frozen=True):
    """An hour in which many runs of a provider failed.

    The `other_` numbers leave out the agent with the most failures, `agent_id`; `agents` are so many as use the
    provider, `usual` is the part of its runs that fails.
    """

    provider: str
    starts_at: datetime
    finished: int
    failed: int
    agent_id: int
    other_finished: int
    other_failed: int
    agents: int
    usual: float


class AgentHour(msgspec.Struct, frozen=True):
    """An hour in which an agent's runs cost `cost`, where they usually would have cost `usual`; USD."""

    agent_id: int
    agent: str
    starts_at: datetime
    runs: int
    cost: Decimal
    usual: Decimal


Row = Failing | Pause | NewError | Successor | ProviderHour | AgentHour


def _sql(length: timedelta) -> str:
    return f"interval '{length.total_seconds():.0f} seconds'"


SINCE = f"date_trunc('hour', $1::timestamptz - {_sql(LOOKBACK)}, 'UTC')"
LAST_DAY = f"date_trunc('hour', $1::timestamptz - {_sql(RECENT)}, 'UTC')"

FINISHED = "coalesce(sum(c.runs) FILTER (WHERE c.status IN (2, 3, 5)), 0)::bigint AS finished"
FAILED = "coalesce(sum(c.runs) FILTER (WHERE c.status IN (3, 5)), 0)::bigint AS failed"
PRICED = f"coalesce(sum(c.runs - {held('unknown_runs')}), 0)::bigint AS priced, sum(c.cost) AS cost"

FAILING = f"""
    SELECT a.id AS agent_id, a.name AS agent, a.consecutive_failures AS failures, a.last_success_at AS since,
        a.last_error_at AS at, a.last_error_type AS error_type, a.last_error_message AS message
    FROM known a WHERE a.enabled AND a.consecutive_failures >= {FAILURES_TO_ERROR}"""

PAUSES = f"""
    SELECT a.id AS agent_id, a.name AS agent, a.last_active_at AS since, h.longest
    FROM known a CROSS JOIN LATERAL (
        SELECT count(*) AS hours, extract(epoch FROM max(g.pause)) / 3600 AS longest
        FROM (
            SELECT p.starts_at - lag(p.starts_at) OVER (ORDER BY p.starts_at) AS pause
            FROM pheromone_hour p
            WHERE p.agent_id = a.id AND p.runs > 0
                AND p.starts_at > a.last_active_at - {_sql(LOOKBACK)} AND p.starts_at <= a.last_active_at
        ) g
    ) h
    WHERE a.enabled AND h.hours >= {USUAL_HOURS}
        AND a.last_active_at > $1 - {_sql(LOOKBACK)} AND a.last_active_at < $1 - {_sql(SILENT_FOR)}"""

# The index has an agent's errors by time: what it often has is found after a few steps back.
NEW_ERRORS = f"""
    SELECT e.agent_id, a.name AS agent, e.error_type, e.fingerprint, latest.message, e.runs, e.first_at, e.last_at
    FROM (
        SELECT c.agent_id, c.error_type, c.fingerprint,
            sum(c.runs) AS runs, min(c.first_at) AS first_at, max(c.last_at) AS last_at
        FROM error_hour c WHERE c.starts_at >= {LAST_DAY} AND c.starts_at <= $1
        GROUP BY 1, 2, 3 HAVING sum(c.runs) >= {ERROR_RUNS}
    ) e
    JOIN known a ON a.id = e.agent_id
    CROSS JOIN LATERAL (
        SELECT (
            SELECT c.starts_at FROM error_hour c
            WHERE c.agent_id = e.agent_id AND c.starts_at < {LAST_DAY}
                AND c.error_type = e.error_type AND c.fingerprint = e.fingerprint
            ORDER BY c.starts_at DESC LIMIT 1
        ) AS at
    ) earlier
    CROSS JOIN LATERAL (
        SELECT c.message FROM error_hour c
        WHERE c.agent_id = e.agent_id AND c.starts_at >= {LAST_DAY}
            AND c.error_type = e.error_type AND c.fingerprint = e.fingerprint
        ORDER BY c.starts_at DESC, c.last_at DESC LIMIT 1
    ) latest
    WHERE a.enabled AND earlier.at IS NULL
        AND EXISTS (SELECT FROM run_day d WHERE d.agent_id = e.agent_id AND d.starts_at < $1 - {_sql(KNOWN_FOR)})"""


def _durations(cells: str) -> str:
    """All entries of the cells `c` that a FROM list and a condition name."""
    return f"ARRAY(SELECT e FROM {cells} CROSS JOIN LATERAL unnest({held('durations', '$4::bigint[]')}) AS e)"


def _version_cells(table: str, version: str, since: str) -> str:
    return f"""(
            SELECT c.* FROM {table} c
            WHERE c.agent_id = v.agent_id AND c.version_id = {version} AND c.starts_at >= {since}
                AND c.starts_at <= $1 AND c.status IN (2, 3, 5)
        ) c"""


SUCCESSORS = f"""
    SELECT v.agent_id, a.name AS agent, v.id AS version_id, v.version, {LAST_DAY} AS since,
        now_.finished, now_.failed, slower.durations,
        old.version AS before, old.finished AS finished_before, old.failed AS failed_before, slower.durations_before
    FROM (
        SELECT DISTINCT ON (v.agent_id) v.agent_id, v.id, v.version, v.created_at
        FROM agent_version v JOIN version_state s ON s.agent_id = v.agent_id AND s.version_id = v.id
        WHERE s.last_seen_at >= {LAST_DAY}
        ORDER BY v.agent_id, v.id DESC
    ) v
    JOIN known a ON a.id = v.agent_id
    CROSS JOIN LATERAL (
        SELECT {FINISHED}, {FAILED},
            sum({held("duration_ms")})::float8 / nullif(sum({held("timed_runs")}), 0) AS average
        FROM {_version_cells("run_hour", "v.id", LAST_DAY)}
    ) now_
    CROSS JOIN LATERAL (
        SELECT o.id, o.version, {FINISHED}, {FAILED},
            sum(c.duration_ms)::float8 / nullif(sum(c.timed_runs), 0) AS average
        FROM agent_version o JOIN run_total c ON c.agent_id = o.agent_id AND c.version_id = o.id
        WHERE o.agent_id = v.agent_id AND o.id < v.id AND c.status IN (2, 3, 5)
        GROUP BY o.id HAVING sum(c.runs) >= {VERSION_RUNS}
        ORDER BY o.id DESC LIMIT 1
    ) old
    LEFT JOIN LATERAL (
        SELECT {_durations(_version_cells("run_hour", "v.id", LAST_DAY))} AS durations,
            {_durations(_version_cells("run_day", "old.id", f"$1 - {_sql(USUAL_OVER)}"))} AS durations_before
    ) slower ON now_.average > {WORSE_LATENCY} * old.average
    WHERE a.enabled AND v.created_at > $1 - {_sql(VERSION_AGE)} AND now_.finished >= {VERSION_RUNS}"""

PROVIDER_HOURS = f"""
    SELECT c.provider, c.starts_at, c.finished, c.failed, c.agent_id, c.other_finished, c.other_failed,
        u.agents, u.usual
    FROM failing c JOIN (
        SELECT d.provider, count(DISTINCT d.agent_id) AS agents,
            sum(d.runs) FILTER (WHERE d.status IN (3, 5))::float8 / sum(d.runs) AS usual
        FROM run_day d
        WHERE d.starts_at >= $1 - {_sql(USUAL_OVER)} AND d.status IN (2, 3, 5)
            AND d.provider IN (SELECT f.provider FROM failing f) AND d.agent_id IN (SELECT k.id FROM known k)
        GROUP BY 1
    ) u ON u.provider = c.provider"""

AGENT_HOURS = f"""
    SELECT c.agent_id, a.name AS agent, c.starts_at, c.priced AS runs, c.cost, c.priced * u.price AS usual
    FROM (
        SELECT agent_id, starts_at, sum(priced)::bigint AS priced, sum(cost) AS cost FROM closer WHERE is_dear
        GROUP BY 1, 2 HAVING sum(priced) >= {SPIKE_RUNS} AND sum(cost) >= {SPIKE_USD}
    ) c
    JOIN known a ON a.id = c.agent_id
    CROSS JOIN LATERAL (
        SELECT sum(d.cost) / nullif(sum(d.runs - coalesce(d.unknown_runs, 0)), 0) AS price
        FROM run_day d WHERE d.agent_id = c.agent_id AND d.starts_at >= $1 - {_sql(USUAL_OVER)}
    ) u
    WHERE a.enabled AND c.cost > {SPIKE_TIMES} * c.priced * u.price"""

RULES: dict[str, tuple[type[Row], str]] = {
    "failing": (Failing, FAILING),
    "successor": (Successor, SUCCESSORS),
    "provider": (ProviderHour, PROVIDER_HOURS),
    "spending": (AgentHour, AGENT_HOURS),
    "error": (NewError, NEW_ERRORS),
    "pause": (Pause, PAUSES),
}

STATEMENT = f"""
WITH known AS MATERIALIZED (
    SELECT a.id, a.project_id, coalesce(a.display_name, a.name) AS name, NOT a.disabled AS enabled,
        s.last_active_at, s.last_success_at, s.consecutive_failures, s.last_error_type, s.last_error_message,
        s.last_error_at
    FROM agent a JOIN project p ON p.id = a.project_id LEFT JOIN agent_state s ON s.agent_id = a.id
    WHERE ($2::bigint[] IS NULL OR a.project_id = ANY($2)) AND ($3::text IS NULL OR p.slug = $3)
), hour AS MATERIALIZED (
    SELECT c.project_id, c.starts_at, {FINISHED}, {FAILED}, {PRICED}
    FROM project_hour c
    WHERE c.starts_at >= {SINCE} AND c.starts_at <= $1 AND c.project_id IN (SELECT k.project_id FROM known k)
    GROUP BY 1, 2
), judged AS (
    SELECT h.starts_at, h.failed, h.failed - h.finished * u.failing AS more_failed,
        sqrt(h.finished * u.failing * (1 - u.failing)) AS deviation, h.cost, h.priced * u.price AS expected_cost
    FROM hour h JOIN (
        SELECT project_id, sum(failed)::float8 / nullif(sum(finished), 0) AS failing,
            sum(cost) / nullif(sum(priced), 0) AS price
        FROM hour GROUP BY 1
    ) u ON u.project_id = h.project_id
), suspicious AS MATERIALIZED (
    SELECT s.starts_at, bool_or(s.is_dear) AS is_dear, bool_or(NOT s.is_dear) AS is_failing
    FROM (
        (
            SELECT j.starts_at, false AS is_dear FROM judged j
            WHERE j.deviation > 0 AND j.more_failed > {SUSPICIOUS} * j.deviation
            GROUP BY 1 ORDER BY max(j.more_failed / j.deviation) DESC LIMIT {FAILING_HOURS}
        ) UNION ALL (
            SELECT j.starts_at, true FROM judged j
            WHERE j.cost > {DEARER} * j.expected_cost
            GROUP BY 1 ORDER BY max(j.cost - j.expected_cost) DESC LIMIT {DEAR_HOURS}
        )
    ) s GROUP BY 1
), closer AS MATERIALIZED (
    SELECT c.agent_id, c.provider, c.starts_at, s.is_dear, s.is_failing, {FINISHED}, {FAILED}, {PRICED}
    FROM suspicious s JOIN run_hour c ON c.starts_at = s.starts_at
    WHERE c.agent_id IN (SELECT k.id FROM known k)
    GROUP BY 1, 2, 3, 4, 5
), failing AS MATERIALIZED (
    SELECT c.provider, c.starts_at, sum(c.finished)::bigint AS finished, sum(c.failed)::bigint AS failed,
        (array_agg(c.agent_id ORDER BY c.failed DESC))[1] AS agent_id,
        sum(c.finished)::bigint - (array_agg(c.finished ORDER BY c.failed DESC))[1] AS other_finished,
        sum(c.failed)::bigint - max(c.failed) AS other_failed
    FROM closer c WHERE c.is_failing AND c.provider <> ''
    GROUP BY 1, 2 HAVING sum(c.failed) >= {OUTAGE_FAILURES} AND sum(c.failed) > {OUTAGE_RATE} * sum(c.finished)
)
{" UNION ALL ".join(f"SELECT '{rule}', to_jsonb(q) FROM ({select}) q" for rule, (_, select) in RULES.items())}"""
"""Its parameters: now, the ids of the projects in scope or NULL, the slug of the one project or NULL, BOUNDS."""


def decode(rule: str, found: str) -> Row:
    return msgspec.json.decode(found, type=RULES[rule][0])
