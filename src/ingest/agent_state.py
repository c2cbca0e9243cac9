"""What a batch means for its agents: last active, failures in a row, last error, score, versions seen.

Applied in the batch's own transaction and as its last step, in the order of the agents' ids, since it locks a
row an agent. Every formula is indifferent to the order in which runs arrive:

- last active: the greatest end (or start, where there is no end);
- consecutive failures: the FAILED and TIMED_OUT runs that started after the last SUCCEEDED one did;
- last error: of the failed run that started last; score: of the reporting run that started last.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..db import Connection
from ..models.run import RunStatus
from .row import RunRow

_SUCCEEDED = int(RunStatus.SUCCEEDED)
_FAILURES = frozenset({int(RunStatus.FAILED), int(RunStatus.TIMED_OUT)})
_NEVER = datetime.min.replace(tzinfo=UTC)

APPLY = """
    WITH batch AS (
        SELECT * FROM unnest(
            $1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[],
            $5::timestamptz[], $6::timestamptz[], $7::bigint[], $8::text[], $9::text[],
            $10::float8[], $11::timestamptz[]
        ) AS b (
            agent_id, active_at, started_at, success_at,
            error_started_at, error_at, error_run_id, error_type, error_message,
            score, scored_at
        )
    ), failure AS (
        SELECT * FROM unnest($12::bigint[], $13::timestamptz[]) AS f (agent_id, started_at)
    ), seen AS (
        INSERT INTO version_state (agent_id, version_id, last_seen_at)
        SELECT * FROM unnest($14::bigint[], $15::bigint[], $16::timestamptz[]) AS v (agent_id, version_id, seen_at)
        ORDER BY agent_id, version_id
        ON CONFLICT (agent_id, version_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
        WHERE version_state.last_seen_at < excluded.last_seen_at
    )
    UPDATE agent_state s SET
        last_active_at = greatest(s.last_active_at, b.active_at),
        last_started_at = greatest(s.last_started_at, b.started_at),
        last_success_at = greatest(s.last_success_at, b.success_at),
        consecutive_failures = CASE
            WHEN b.success_at > coalesce(s.last_success_at, '-infinity') AND s.last_started_at > b.success_at THEN -1
            ELSE CASE WHEN b.success_at > coalesce(s.last_success_at, '-infinity')
                THEN 0 ELSE s.consecutive_failures END + (
                SELECT count(*) FROM failure f
                WHERE f.agent_id = s.agent_id
                AND f.started_at > coalesce(greatest(s.last_success_at, b.success_at), '-infinity'))
            END,
        (last_error_started_at, last_error_at, last_error_run_id, last_error_type, last_error_message) = (
            SELECT * FROM (VALUES
                (b.error_started_at, b.error_at, b.error_run_id, b.error_type, b.error_message),
                (s.last_error_started_at, s.last_error_at, s.last_error_run_id, s.last_error_type,
                    s.last_error_message)
            ) AS e (started_at, at, run_id, type, message)
            ORDER BY e.started_at DESC NULLS LAST, e.run_id DESC LIMIT 1),
        pheromone_score = CASE WHEN b.scored_at >= coalesce(s.pheromone_at, '-infinity')
            THEN b.score ELSE s.pheromone_score END,
        pheromone_at = greatest(s.pheromone_at, b.scored_at)
    FROM batch b
    WHERE s.agent_id = b.agent_id
    RETURNING s.agent_id, s.consecutive_failures"""
"""Consecutive failures of -1 stand for "to be counted": a success came in late, behind runs stored before."""

RECOUNT = """
    UPDATE agent_state s SET consecutive_failures = (
        SELECT count(*) FROM run r
        WHERE r.agent_id = s.agent_id AND r.status IN (3, 5)
        AND r.started_at > coalesce(s.last_success_at, '-infinity'))
    WHERE s.agent_id = ANY($1::bigint[])"""

# An UPDATE locks rows in any order, so two batches of several agents could block each other in a circle.
LOCK = "SELECT FROM agent_state WHERE agent_id = ANY($1::bigint[]) ORDER BY agent_id FOR UPDATE"

RECOMPUTE = """
    UPDATE agent_state s SET
        last_success_at = coalesce((
            SELECT max(r.started_at) FROM run r WHERE r.agent_id = s.agent_id AND r.status = 2), s.last_success_at),
        (last_error_started_at, last_error_at, last_error_run_id, last_error_type, last_error_message) = (
            SELECT e.started_at, e.at, e.run_id, e.type, e.message FROM (
                (SELECT 1, r.started_at, coalesce(r.ended_at, r.started_at), r.id, r.error_type, r.error_message
                FROM run r WHERE r.agent_id = s.agent_id AND r.status IN (3, 5)
                ORDER BY r.started_at DESC, r.id DESC LIMIT 1)
                UNION ALL
                SELECT 2, s.last_error_started_at, s.last_error_at, s.last_error_run_id, s.last_error_type,
                    s.last_error_message
            ) AS e (choice, started_at, at, run_id, type, message) ORDER BY e.choice LIMIT 1)
    WHERE s.agent_id = ANY($1::bigint[])"""
"""After a correction of final runs: what the stored runs say, or what was known where they were dropped."""


@dataclass(slots=True)
class _Seen:
    """What a batch says of one agent."""

    active_at: datetime
    started_at: datetime
    success_at: datetime | None = None
    error: RunRow | None = None
    scored: RunRow | None = None
    failures: list[datetime] = field(default_factory=list)
    versions: dict[int, datetime] = field(default_factory=dict)


async def apply(connection: Connection, rows: Iterable[RunRow], *, corrected: set[int]) -> None:
    """Bring the agents' state up to date with rows that were new or became final in this transaction.

    `corrected` are the agents of final runs that were changed: theirs is computed anew from the stored runs.
    """
    seen = _by_agent(rows)
    if len(seen) > 1:
        await connection.execute(LOCK, sorted(seen))
    if seen:
        applied = await connection.fetch(APPLY, *_parameters(seen))
        corrected = corrected | {row["agent_id"] for row in applied if row["consecutive_failures"] < 0}
    if corrected:
        ids = sorted(corrected)
        await connection.execute(LOCK, ids)
        await connection.execute(RECOMPUTE, ids)
        await connection.execute(RECOUNT, ids)


def _by_agent(rows: Iterable[RunRow]) -> dict[int, _Seen]:
    agents: dict[int, _Seen] = {}
    for row in rows:
        active = row.ended_at or row.started_at
        seen = agents.get(row.agent_id)
        if seen is None:
            seen = agents[row.agent_id] = _Seen(active, row.started_at)
        _see(seen, row, active)
    return agents


def _see(seen: _Seen, row: RunRow, active: datetime) -> None:
    started = row.started_at
    seen.active_at = max(seen.active_at, active)
    seen.started_at = max(seen.started_at, started)
    if row.status == _SUCCEEDED:
        if seen.success_at is None or started > seen.success_at:
            seen.success_at = started
    elif row.status in _FAILURES:
        seen.failures.append(started)
        if seen.error is None or (started, row.id) > (seen.error.started_at, seen.error.id):
            seen.error = row
    if row.pheromone_score is not None and (seen.scored is None or started >= seen.scored.started_at):
        seen.scored = row
    if active > seen.versions.get(row.version_id, _NEVER):
        seen.versions[row.version_id] = active


def _parameters(agents: dict[int, _Seen]) -> list[list[Any]]:
    ids = sorted(agents)
    batch = [agents[id_] for id_ in ids]
    errors = [seen.error for seen in batch]
    failures = [(id_, at) for id_ in ids for at in agents[id_].failures]
    versions = [(id_, version, at) for id_ in ids for version, at in agents[id_].versions.items()]
    return [
        ids,
        [seen.active_at for seen in batch],
        [seen.started_at for seen in batch],
        [seen.success_at for seen in batch],
        [error and error.started_at for error in errors],
        [error and (error.ended_at or error.started_at) for error in errors],
        [error and error.id for error in errors],
        [error and error.error_type for error in errors],
        [error and error.error_message for error in errors],
        [seen.scored and seen.scored.pheromone_score for seen in batch],
        [seen.scored and seen.scored.started_at for seen in batch],
        [id_ for id_, _ in failures],
        [at for _, at in failures],
        [id_ for id_, _, _ in versions],
        [version for _, version, _ in versions],
        [at for _, _, at in versions],
    ]
