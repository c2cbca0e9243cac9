"""Start, end and duration, and the tokens, as they follow from what was stated."""

from datetime import timedelta
from typing import Any

import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder

from .factories import ago, run_input, stored_run

START, END = ago(60).isoformat(), ago(50).isoformat()


async def recorded(db: Database, **fields: Any) -> dict[str, Any]:
    await Recorder(db).record([run_input(**fields)])
    return await stored_run(db)


@pytest.mark.parametrize(
    ("fields", "duration"),
    [
        ({"startedAt": START, "endedAt": END}, 10_000),
        ({"startedAt": START, "endedAt": END, "durationMs": 9_000}, 9_000),
        ({"startedAt": START, "durationMs": 10_000}, 10_000),
        ({"startedAt": START, "timeTaken": "10s"}, 10_000),
        ({"startedAt": START, "timeTaken": "PT10S"}, 10_000),
        ({"startedAt": START, "timeTaken": 10_000}, 10_000),
        ({"endedAt": END, "durationMs": 10_000}, 10_000),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else None,
)
async def test_the_third_follows_from_two_of_start_end_and_duration(
    db: Database, fields: dict[str, Any], duration: int
) -> None:
    row = await recorded(db, **fields)
    assert (row["started_at"], row["ended_at"], row["duration_ms"]) == (ago(60), ago(50), duration)


async def test_an_unfinished_run_gets_no_end_from_its_duration(db: Database) -> None:
    row = await recorded(db, startedAt=START, durationMs=5, status="RUNNING")
    assert (row["ended_at"], row["duration_ms"]) == (None, 5)


async def test_a_run_that_says_nothing_of_time_lies_where_it_was_recorded(db: Database) -> None:
    row = await recorded(db)
    assert row["started_at"] == row["recorded_at"]
    assert (row["ended_at"], row["duration_ms"]) == (None, None)


async def test_the_end_stands_in_for_the_start(db: Database) -> None:
    row = await recorded(db, endedAt=END)
    assert (row["started_at"], row["ended_at"], row["duration_ms"]) == (ago(50), ago(50), None)


async def test_a_queued_run_lies_where_it_was_queued(db: Database) -> None:
    row = await recorded(db, queuedAt=START, status="QUEUED")
    assert row["started_at"] == ago(60)


async def test_an_offset_changes_nothing(db: Database) -> None:
    row = await recorded(
        db,
        startedAt=(ago(60)).astimezone().isoformat(),
        endedAt=f"{ago(50) + timedelta(hours=2):%Y-%m-%dT%H:%M:%S}+02:00",
    )
    assert (row["started_at"], row["ended_at"]) == (ago(60), ago(50))


@pytest.mark.parametrize(
    ("fields", "total"),
    [
        ({"inputTokens": 3, "outputTokens": 4}, 7),
        ({"inputTokens": 3}, 3),
        ({"inputTokens": 3, "outputTokens": 4, "totalTokens": 10}, 10),
        ({}, None),
    ],
    ids=str,
)
async def test_total_tokens_are_the_sum_unless_stated(db: Database, fields: dict[str, Any], total: int | None) -> None:
    assert (await recorded(db, **fields))["total_tokens"] == total


async def test_empty_texts_and_lists_are_stored_as_nothing(db: Database) -> None:
    row = await recorded(db, model="", provider="", errorMessage="", userId="", tools=[], models=[], metadata={})
    for column in ("model", "provider", "error_message", "user_id", "tools", "models", "metadata"):
        assert row[column] is None
