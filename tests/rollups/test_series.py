"""What Prometheus is shown: sums by status, error type and model, none of which ever falls."""

import json
from decimal import Decimal
from typing import Any

import pytest

from formicary.db import Database
from formicary.rollups.series import COUNTERS, add_series, shown

KEY = {"agent_id": 1, "version_id": 1, "status": 2, "model": "m", "provider": "p", "error_type": ""}
VALUES = (
    "(SELECT ($1::json->>'agent_id')::bigint AS agent_id, ($1::json->>'status')::smallint AS status,"
    " $1::json->>'error_type' AS error_type, $1::json->>'model' AS model, $1::json->>'provider' AS provider, "
    + ", ".join(f"coalesce(($1::json->>'{column}')::numeric, 0) AS {column}" for column in COUNTERS)
    + ")"
)
SHOWN = f"""
    SELECT s.kind, s.status, s.error_type, s.model, {", ".join(f"{shown(c)} AS {c}" for c in COUNTERS)}, s.runs AS exact
    FROM run_series s ORDER BY s.kind, s.status, s.error_type, s.model"""


async def add(db: Database, **columns: Any) -> None:
    await db.execute(add_series(VALUES), json.dumps({**KEY, **columns}))


async def counter(db: Database, column: str) -> list[Any]:
    return [row[column] for row in await db.fetch(SHOWN)]


async def test_a_total_is_counted_by_status_and_model_and_a_failed_one_by_error_type(db: Database) -> None:
    await add(db, runs=3, cost="0.5", le_100=1)
    await add(db, runs=2, cost="0.25", status=3, error_type="TimeoutError")
    rows = [tuple(row)[:5] for row in await db.fetch(SHOWN)]
    assert rows == [(0, 2, "", "", 3), (0, 3, "", "", 2), (1, 0, "TimeoutError", "", 2), (2, 0, "", "m", 5)]
    assert await counter(db, "cost") == [Decimal("0.5"), Decimal("0.25"), Decimal("0.25"), Decimal("0.75")]
    assert await counter(db, "le_100") == [1, 0, 0, 1]


@pytest.mark.parametrize("column", COUNTERS)
async def test_what_falls_is_shown_as_it_stood_until_it_has_grown_past_that(db: Database, column: str) -> None:
    seen = []
    for change in (10, -3, 1, -5, 6, 4):
        await add(db, **{column: change})
        seen.append((await counter(db, column))[0])
    assert seen == [10, 10, 10, 10, 10, 13]


async def test_only_the_counter_that_fell_is_held(db: Database) -> None:
    await add(db, runs=10, duration_ms=500)
    await add(db, duration_ms=-100)
    await add(db, runs=1, duration_ms=50)
    assert (await counter(db, "runs"))[0] == 11
    assert (await counter(db, "duration_ms"))[0] == 500
    assert await db.fetchval("SELECT duration_ms FROM run_series WHERE kind = 0") == 450


async def test_the_counts_up_to_each_bound_stay_cumulated(db: Database) -> None:
    await add(db, timed_runs=3, le_100=3, le_500=3, le_1000=3)
    await add(db, le_100=-2, le_500=-1)
    await add(db, timed_runs=2, le_500=1, le_1000=2)
    row = (await db.fetch(SHOWN))[0]
    counts = [row["le_100"], row["le_500"], row["le_1000"], row["timed_runs"]]
    assert counts == sorted(counts) == [3, 3, 5, 5]


async def test_nothing_is_written_where_nothing_changed(db: Database) -> None:
    await add(db)
    assert await db.fetch(SHOWN) == []
