"""The rows of traces: what is added, what was there, and what waits."""

from collections.abc import Iterable
from datetime import UTC, datetime

from formicary.db import Database
from formicary.otlp import span_state
from formicary.otlp.span import Span
from formicary.otlp.span_state import Key

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def key(trace: int, project: str = "default") -> Key:
    return project, trace.to_bytes(16, "big")


async def add(db: Database, *keys: Key, waiting: Iterable[Key] = ()) -> set[Key]:
    span = Span(b"12345678", b"", 0, 1, 2)
    async with db.transaction() as connection:
        return await span_state.add(connection, {one: {span.id: span} for one in keys}, set(waiting), NOW)


async def test_those_that_are_there_already_are_told_and_the_others_added(db: Database) -> None:
    assert await add(db, key(1), key(2), key(1, "shop")) == set()
    assert await add(db, key(2), key(3), key(2, "shop"), key(1, "shop")) == {key(2), key(1, "shop")}
    assert await add(db, key(1), key(2)) == {key(1), key(2)}
    assert await db.fetchval("SELECT count(*) FROM otlp_trace") == 5


async def test_only_those_wait_in_which_a_parent_is_missing(db: Database) -> None:
    await add(db, key(1), key(2), key(1, "shop"), waiting=[key(2), key(1, "shop")])
    rows = await db.fetch("SELECT project, trace_id, waiting_since, updated_at FROM otlp_trace")
    assert {row["updated_at"] for row in rows} == {NOW}
    waiting = {(row["project"], row["trace_id"]) for row in rows if row["waiting_since"] == NOW}
    assert waiting == {key(2), key(1, "shop")}
    assert sum(row["waiting_since"] is None for row in rows) == 1
