"""What a batch means for its agents: last active, failures in a row, last error, score, versions seen.

Applied in the batch's own transaction and as its last step, in the order of the agents' ids, since it locks a
row an agent. Every formula is indifferent to the order in which runs arrive:

- last active, and a version's last seen: the greatest end (or start, where there is no end);
- consecutive failures: the FAILED and TIMED_OUT runs that started after the last SUCCEEDED one did;
- last error: of the failed run that started last; score: of the reporting run that started last, the highest
  where several started at once.

What a batch adds is folded into what is known (APPLY). Where a stored run no longer says what it said when it was
folded in, its agent's state is computed anew from the stored runs (RECOMPUTE).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

from ..db import Connection
from ..models.run import RunStatus
from .row import RunRow

K = TypeVar("K")

Change: TypeAlias = tuple[RunRow | None, RunRow]
"""A run as it was stored before (None: it is new) and as it is written now."""

_SUCCEEDED = int(RunStatus.SUCCEEDED)
_FAILURES = frozenset({int(RunStatus.FAILED), int(RunStatus.TIMED_OUT)})

FOLD = """
    state AS (
        UPDATE agent_state s SET
            last_active_at = greatest(s.last_active_at, b.active_at),
            last_started_at = greatest(s.last_started_at, b.started_at),
            last_success_at = greatest(s.last_success_at, b.success_at),
            consecutive_failures = CASE
                WHEN b.success_at > coalesce(s.last_success_at, '-infinity')
                    AND s.last_started_at > b.success_at AND s.consecutive_failures > 0 THEN {late}
                ELSE CASE WHEN b.success_at > coalesce(s.last_success_at, '-infinity')
                    THEN 0 ELSE s.consecutive_failures END + CASE WHEN b.error_started_at IS NULL THEN 0 ELSE (
                    SELECT count(*) FROM failure f
                    WHERE f.agent_id = s.agent_id
                    AND f.started_at > coalesce(greatest(s.last_success_at, b.success_at), '-infinity')) END
                END,
            (last_error_started_at, last_error_at, last_error_run_id, last_error_type, last_error_message) = (
                SELECT * FROM (VALUES
                    (b.error_started_at, b.error_at, b.error_run_id, b.error_type, b.error_message),
                    (s.last_error_started_at, s.last_error_at, s.last_error_run_id, s.last_error_type,
                        s.last_error_message)
                ) AS e (started_at, at, run_id, type, message)
                ORDER BY e.started_at DESC NULLS LAST, e.run_id DESC LIMIT 1),
            pheromone_score = CASE
                WHEN (b.scored_at, b.score) >= (coalesce(s.pheromone_at, '-infinity'), s.pheromone_score)
                THEN b.score ELSE s.pheromone_score END,
            pheromone_at = greatest(s.pheromone_at, b.scored_at)
        FROM batch b
        WHERE s.agent_id = b.agent_id
        RETURNING s.agent_id, s.consecutive_failures
    ), seen AS (
        INSERT INTO version_state (agent_id, version_id, last_seen_at)
        SELECT v.agent_id, v.version_id, v.seen_at
        FROM version v
        JOIN state ON state.agent_id = v.agent_id
        ORDER BY v.agent_id, v.version_id
        ON CONFLICT (agent_id, version_id) DO UPDATE SET last_seen_at = excluded.last_seen_at
        WHERE version_state.last_seen_at < excluded.last_seen_at
    )"""
"""Folds three tables into the state: `batch` (a row an agent), `failure` (a row a failed run) and `version`.

`late` is what comes of a success behind failures that were stored before: those have to be counted. Most agents of a
batch have no failure in it, so that is asked first; each count goes through all failures.
`seen` reads `state`, so that a version is locked after its agent.
"""

APPLY = f"""
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
    ), version AS (
        SELECT * FROM unnest($14::bigint[], $15::bigint[], $16::timestamptz[]) AS v (agent_id, version_id, seen_at)
    ), {FOLD.format(late=-1)}
    SELECT agent_id FROM state WHERE consecutive_failures < 0"""
"""Consecutive failures of -1 stand for "to be counted"; gives the agents where that is so."""

# The rows are locked by now, as they must be where a row says which partitions are read (see rollups/recompute.py).
RECOUNT = """
    UPDATE agent_state s SET consecutive_failures = (
        SELECT count(*) FROM run r
        WHERE r.agent_id = s.agent_id AND r.status IN (3, 5)
        AND r.started_at > coalesce(s.last_success_at, '-infinity'))
    WHERE s.agent_id = ANY($1::bigint[])"""

# An UPDATE locks rows in any order, so two batches of several agents could block each other in a circle.
# A column is selected because asyncpg 0.32 writes past the end of a record that has none.
LOCK = "SELECT agent_id FROM agent_state WHERE agent_id = ANY($1::bigint[]) ORDER BY agent_id FOR UPDATE"

RECOMPUTE = """
    UPDATE agent_state s SET
        last_active_at = CASE WHEN s.last_active_at > o.active_at THEN s.last_active_at ELSE (
            SELECT max(coalesce(r.ended_at, r.started_at)) FROM run r WHERE r.agent_id = s.agent_id) END,
        last_success_at = CASE WHEN s.last_success_at IS NOT NULL THEN coalesce((
            SELECT max(r.started_at) FROM run r WHERE r.agent_id = s.agent_id AND r.status = 2),
            CASE WHEN s.last_success_at <= o.success_at THEN NULL ELSE s.last_success_at END) END,
        (last_error_started_at, last_error_at, last_error_run_id, last_error_type, last_error_message) = (
            SELECT e.started_at, e.at, e.run_id, e.type, e.message FROM (
                (SELECT 1, r.started_at, coalesce(r.ended_at, r.started_at), r.id, r.error_type, r.error_message
                FROM run r WHERE r.agent_id = s.agent_id AND r.status IN (3, 5)
                ORDER BY r.started_at DESC, r.id DESC LIMIT 1)
                UNION ALL
                SELECT 2, s.last_error_started_at, s.last_error_at, s.last_error_run_id, s.last_error_type,
                    s.last_error_message
                WHERE s.last_error_run_id <> ALL($5::bigint[])
            ) AS e (choice, started_at, at, run_id, type, message) ORDER BY e.choice LIMIT 1),
        (pheromone_score, pheromone_at) = (
            SELECT e.score, e.at FROM (
                (SELECT 1, r.pheromone_score, r.started_at
                FROM run r WHERE r.agent_id = s.agent_id AND r.pheromone_score IS NOT NULL
                AND s.pheromone_at <= o.scored_at
                ORDER BY r.started_at DESC, r.pheromone_score DESC LIMIT 1)
                UNION ALL
                SELECT 2, s.pheromone_score, s.pheromone_at
            ) AS e (choice, score, at) ORDER BY e.choice LIMIT 1)
    FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[])
        AS o (agent_id, active_at, scored_at, success_at)
    WHERE s.agent_id = o.agent_id"""
"""What the stored runs say, or what was known where they were dropped.

`success_at` is of the succeeded among the runs as they were stored before; $5 has the ids of all of them. `active_at`
and `scored_at` are of them, too. Only if `active_at` is what the state holds, all runs of the agent have to be read for
the next; and only if `scored_at` is, the score is theirs and nobody's who set it.
"""

RECOMPUTE_SEEN = """
    WITH old AS (
        SELECT o.agent_id, o.version_id, (
            SELECT max(coalesce(r.ended_at, r.started_at)) FROM run r
            WHERE r.agent_id = o.agent_id AND r.version_id = o.version_id) AS seen_at
        FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS o (agent_id, version_id, active_at)
        JOIN version_state v ON v.agent_id = o.agent_id AND v.version_id = o.version_id
        WHERE v.last_seen_at <= o.active_at
    ), unseen AS (
        DELETE FROM version_state v USING old o
        WHERE v.agent_id = o.agent_id AND v.version_id = o.version_id AND o.seen_at IS NULL
    )
    UPDATE version_state v SET last_seen_at = o.seen_at FROM old o
    WHERE v.agent_id = o.agent_id AND v.version_id = o.version_id AND o.seen_at IS NOT NULL"""


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


async def apply(connection: Connection, changes: Iterable[Change], withdrawn: Iterable[RunRow] = ()) -> None:
    """Bring the agents' state up to date with the runs that were written, or taken out, in this transaction."""
    seen: dict[int, _Seen] = {}
    taken_back = list(withdrawn)
    for stored, row in changes:
        _see(seen, row, outcome=stored is None or stored.status < _SUCCEEDED or stored.status != row.status)
        if stored is not None and _takes_back(stored, row):
            taken_back.append(stored)
    recount = {row.agent_id for row in taken_back}
    if len(seen.keys() | recount) > 1:
        await connection.execute(LOCK, sorted(seen.keys() | recount))
    if seen:
        uncounted = await connection.fetch(APPLY, *_parameters(seen))
        recount.update(row["agent_id"] for row in uncounted)
    if taken_back:
        await _recompute(connection, taken_back)
    if recount:
        await connection.execute(RECOUNT, sorted(recount))


async def _recompute(connection: Connection, rows: list[RunRow]) -> None:
    active: dict[int, datetime] = {}
    scored: dict[int, datetime] = {}
    success: dict[int, datetime] = {}
    versions: dict[tuple[int, int], datetime] = {}
    for row in rows:
        _raise_to(active, row.agent_id, _active(row))
        _raise_to(versions, (row.agent_id, row.version_id), _active(row))
        if row.pheromone_score is not None:
            _raise_to(scored, row.agent_id, row.started_at)
        if row.status == _SUCCEEDED:
            _raise_to(success, row.agent_id, row.started_at)
    await connection.execute(
        RECOMPUTE,
        list(active),
        list(active.values()),
        [scored.get(agent) for agent in active],
        [success.get(agent) for agent in active],
        [row.id for row in rows],
    )
    await connection.execute(
        RECOMPUTE_SEEN,
        [agent for agent, _ in versions],
        [version for _, version in versions],
        list(versions.values()),
    )


def _raise_to(greatest: dict[K, datetime], key: K, at: datetime) -> None:
    greatest[key] = max(greatest.get(key, at), at)


def _active(row: RunRow) -> datetime:
    return row.ended_at or row.started_at


_telling = attrgetter(
    "status", "started_at", "ended_at", "version_id", "error_type", "error_message", "pheromone_score"
)


def _takes_back(stored: RunRow, row: RunRow) -> bool:
    """Whether the state may hold something of the run as it was that no longer stands."""
    if stored.status >= _SUCCEEDED:
        return bool(_telling(stored) != _telling(row))
    return (
        row.started_at < stored.started_at
        or _active(row) < _active(stored)
        or row.version_id != stored.version_id
        or (stored.pheromone_score is not None and row.pheromone_score != stored.pheromone_score)
    )


def _see(agents: dict[int, _Seen], row: RunRow, *, outcome: bool) -> None:
    """Note what a run says of its agent; `outcome`: also how it ended, unless that was noted before."""
    started, active = row.started_at, _active(row)
    seen = agents.get(row.agent_id)
    if seen is None:
        seen = agents[row.agent_id] = _Seen(active, started)
    if active > seen.active_at:
        seen.active_at = active
    if started > seen.started_at:
        seen.started_at = started
    if outcome and row.status >= _SUCCEEDED:
        _see_outcome(seen, row, started)
    if row.pheromone_score is not None and (seen.scored is None or _score(row) > _score(seen.scored)):
        seen.scored = row
    known = seen.versions.get(row.version_id)
    if known is None or active > known:
        seen.versions[row.version_id] = active


def _see_outcome(seen: _Seen, row: RunRow, started: datetime) -> None:
    if row.status == _SUCCEEDED:
        if seen.success_at is None or started > seen.success_at:
            seen.success_at = started
    elif row.status in _FAILURES:
        seen.failures.append(started)
        if seen.error is None or (started, row.id) > (seen.error.started_at, seen.error.id):
            seen.error = row


def _score(row: RunRow) -> tuple[datetime, float]:
    return row.started_at, row.pheromone_score or 0.0


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
        [error and _active(error) for error in errors],
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
