"""The kept spans in PostgreSQL: a row a trace, and its lock the right to record the trace's runs.

Locks are taken in the order of the keys, before those of any run, so that requests wait for each other but never in
a circle.
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

import msgspec
from asyncpg import Record

from ..db import Connection, Database
from .span import Span

Key: TypeAlias = tuple[str, bytes]
"""Project and trace id."""

Spans: TypeAlias = dict[bytes, Span]
"""By their ids."""

ADD = """
    WITH added AS (
        INSERT INTO otlp_trace (project, trace_id, spans, span_count, waiting_since, updated_at)
        SELECT $1, n.trace_id, n.spans, n.span_count,
            CASE WHEN n.trace_id = ANY($5::bytea[]) THEN $6::timestamptz END, $6
        FROM unnest($2::bytea[], $3::bytea[], $4::integer[]) AS n (trace_id, spans, span_count)
        ON CONFLICT ON CONSTRAINT otlp_trace_pkey DO NOTHING
        RETURNING trace_id
    )
    SELECT n.trace_id FROM unnest($2) AS n (trace_id)
    WHERE (SELECT count(*) FROM added) < cardinality($2)
    AND NOT EXISTS (SELECT FROM added a WHERE a.trace_id = n.trace_id)"""
"""Gives the traces that are there already. Nearly always there is none, and then nothing is looked up or sent."""

_COLUMNS = "t.project, t.trace_id, t.spans, t.waiting_since, t.is_released, t.is_rest"

LOCK = f"""
    SELECT {_COLUMNS}
    FROM unnest($1::text[], $2::bytea[]) AS n (project, trace_id)
    JOIN otlp_trace t ON t.project = n.project AND t.trace_id = n.trace_id
    ORDER BY t.project, t.trace_id
    FOR UPDATE OF t"""

LOCK_OVERDUE = f"""
    SELECT {_COLUMNS} FROM otlp_trace t
    WHERE t.waiting_since < $1 AND NOT t.is_released
    ORDER BY t.waiting_since LIMIT $2
    FOR UPDATE SKIP LOCKED"""

UPDATE = """
    UPDATE otlp_trace t SET spans = n.spans, span_count = n.span_count, waiting_since = n.waiting_since,
        updated_at = $6
    FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::integer[], $5::timestamptz[])
        AS n (project, trace_id, spans, span_count, waiting_since)
    WHERE t.project = n.project AND t.trace_id = n.trace_id"""

RELEASE = """
    UPDATE otlp_trace t SET is_released = true
    FROM unnest($1::text[], $2::bytea[]) AS n (project, trace_id)
    WHERE t.project = n.project AND t.trace_id = n.trace_id"""

MARK_REST = RELEASE.replace("is_released", "is_rest")

DROP = """
    WITH gone AS (
        SELECT t.project, t.trace_id FROM {those}
        FOR UPDATE OF t SKIP LOCKED
    )
    DELETE FROM otlp_trace t USING gone g WHERE t.project = g.project AND t.trace_id = g.trace_id"""

DROP_OLD = DROP.format(
    those="otlp_trace t WHERE t.updated_at < $1 OR (t.updated_at < $2 AND t.waiting_since IS NULL) LIMIT $3"
)

COUNT = "SELECT coalesce(sum(span_count), 0)::bigint FROM otlp_trace"

DROP_SPANS = DROP.format(
    those="""(
            SELECT o.project, o.trace_id, sum(o.span_count) OVER (
                    ORDER BY o.waiting_since IS NULL DESC, o.updated_at, o.project, o.trace_id
                ) - o.span_count AS before
            FROM otlp_trace o WHERE o.is_released OR o.waiting_since IS NULL
        ) o JOIN otlp_trace t ON t.project = o.project AND t.trace_id = o.trace_id
        WHERE o.before < $1"""
)
"""At least so many spans, those that wait for nothing first. Of what is held back the runs are still to be recorded."""

SETTLED = timedelta(hours=1)
"""How long a trace is kept in which no span waits for its parent."""
SLICE = 5_000
"""So many traces go at a time."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Span]).decode


@dataclass(frozen=True, slots=True)
class Kept:
    """What was kept of a trace, which is locked now."""

    spans: Spans
    waiting_since: datetime | None
    is_released: bool
    is_rest: bool


class State(NamedTuple):
    """What is to be kept of a trace."""

    spans: Spans
    waiting_since: datetime | None


async def add(connection: Connection, traces: Mapping[Key, Spans], waiting: Container[Key], now: datetime) -> set[Key]:
    """Keep traces, in the order of their keys, unless there are spans of them already; gives those of which there are.

    In those that are `waiting`, the parent of some span is not known.
    """
    known: set[Key] = set()
    for project, keys in groupby(sorted(traces), itemgetter(0)):
        ids = [trace_id for _, trace_id in keys]
        some = [traces[project, id_] for id_ in ids]
        rows = await connection.fetch(
            ADD,
            project,
            ids,
            [_encode(list(spans.values())) for spans in some],
            [len(spans) for spans in some],
            [id_ for id_ in ids if (project, id_) in waiting],
            now,
        )
        known.update((project, row["trace_id"]) for row in rows)
    return known


async def lock(connection: Connection, keys: Iterable[Key]) -> dict[Key, Kept]:
    """Lock traces and read what is kept of them; one that is gone by now is left out."""
    return _kept(await connection.fetch(LOCK, *_columns(sorted(keys))))


async def lock_overdue(connection: Connection, before: datetime, most: int) -> dict[Key, Kept]:
    """Traces of which nothing has come since, and in which spans are held back; those in use are passed over."""
    return _kept(await connection.fetch(LOCK_OVERDUE, before, most))


async def update(connection: Connection, traces: Mapping[Key, State], now: datetime) -> None:
    states = traces.values()
    await connection.execute(
        UPDATE,
        *_columns(traces),
        [_encode(list(state.spans.values())) for state in states],
        [len(state.spans) for state in states],
        [state.waiting_since for state in states],
        now,
    )


async def release(connection: Connection, keys: Iterable[Key]) -> None:
    await connection.execute(RELEASE, *_columns(keys))


async def mark_rest(connection: Connection, keys: Iterable[Key]) -> None:
    await connection.execute(MARK_REST, *_columns(keys))


async def drop_old(db: Database, now: datetime, kept: timedelta) -> None:
    """Let go of the traces of which nothing has come for so long; sooner of those in which nothing waits."""
    dropped = SLICE
    while dropped == SLICE:
        dropped = _count(await db.execute(DROP_OLD, now - kept, now - min(SETTLED, kept), SLICE))


async def drop_most(db: Database, most_spans: int) -> int:
    """Let go of traces so that no more spans than these are kept, as far as they may go; gives how many traces went."""
    too_many = await db.fetchval(COUNT) - most_spans
    return _count(await db.execute(DROP_SPANS, too_many + most_spans // 10)) if too_many > 0 else 0


def _kept(rows: Iterable[Record]) -> dict[Key, Kept]:
    kept = {}
    for project, trace_id, spans, waiting_since, is_released, is_rest in rows:
        by_id = {span.id: span for span in _decode(spans)}
        kept[project, trace_id] = Kept(by_id, waiting_since, is_released, is_rest)
    return kept


def _columns(keys: Iterable[Key]) -> tuple[list[str], list[bytes]]:
    pairs = list(keys)
    return [project for project, _ in pairs], [trace_id for _, trace_id in pairs]


def _count(tag: str) -> int:
    """The number of rows in PostgreSQL's word on a DELETE."""
    return int(tag.rpartition(" ")[2])
