"""What Prometheus is shown: sums by status, error type and model, none of which ever falls."""

import json
from decimal import Decimal
from typing import Any

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models import RunTotal
from formicary.rollups.fold import fold
from formicary.rollups.recompute import recompute
from formicary.rollups.series import COUNTERS, KEY, UP_TO, add_series, shown
from formicary_migrations import upgrade

from ..ingest.factories import run_input

TOTAL = {"agent_id": 1, "version_id": 1, "status": 2, "model": "m", "provider": "p", "error_type": ""}
VALUES = (
    "(SELECT ($1::json->>'agent_id')::bigint AS agent_id, ($1::json->>'status')::smallint AS status,"
    " $1::json->>'error_type' AS error_type, $1::json->>'model' AS model, $1::json->>'provider' AS provider, "
    + ", ".join(f"coalesce(($1::json->>'{column}')::numeric, 0) AS {column}" for column in COUNTERS)
    + ")"
)
SHOWN = f"""
    SELECT s.kind, s.status, s.error_type, s.model, {", ".join(f"{shown(c)} AS {c}" for c in COUNTERS)}, s.runs AS exact
    FROM run_series s ORDER BY s.kind, s.status, s.error_type, s.model"""

STATUSES = ("SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED")
SUMS = f"""
    SELECT {", ".join((*KEY, *COUNTERS))} FROM run_series
    WHERE runs > 0 ORDER BY {", ".join(KEY)}"""
SUMS_OF_TOTALS = f"""
    SELECT * FROM (
        SELECT agent_id, 0::smallint AS kind, status, '' AS error_type, '' AS model, '' AS provider, sum(runs) AS runs,
            sum(timed_runs), sum(duration_ms), {", ".join(f"sum({column})" for column in UP_TO)}, 0, 0, 0
        FROM run_total GROUP BY 1, 3
        UNION ALL
        SELECT agent_id, 1, 0, error_type, '', '', sum(runs), 0, 0, {", ".join("0" for _ in UP_TO)}, 0, 0, 0
        FROM run_total WHERE status IN (3, 5) GROUP BY 1, 4
        UNION ALL
        SELECT agent_id, 2, 0, '', model, provider, sum(runs), 0, 0, {", ".join("0" for _ in UP_TO)},
            sum(input_tokens), sum(output_tokens), sum(cost)
        FROM run_total GROUP BY 1, 5, 6
    ) s WHERE runs > 0 ORDER BY {", ".join(KEY)}"""


async def add(db: Database, **columns: Any) -> None:
    await db.execute(add_series(VALUES), json.dumps({**TOTAL, **columns}))


async def sums(db: Database, statement: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in await db.fetch(statement)]


async def counter(db: Database, column: str) -> list[Any]:
    return [row[column] for row in await db.fetch(SHOWN)]


async def test_a_total_is_counted_by_status_and_model_and_a_failed_one_by_error_type(db: Database) -> None:
    await add(db, runs=3, cost="0.5", le_100=1)
    await add(db, runs=2, cost="0.25", status=3, error_type="TimeoutError")
    rows = [tuple(row)[:5] for row in await db.fetch(SHOWN)]
    assert rows == [(0, 2, "", "", 3), (0, 3, "", "", 2), (1, 0, "TimeoutError", "", 2), (2, 0, "", "m", 5)]
    assert await counter(db, "cost") == [0, 0, 0, Decimal("0.75")]
    assert await counter(db, "le_100") == [1, 0, 0, 0]


@pytest.mark.parametrize("column", COUNTERS)
async def test_what_falls_is_shown_as_it_stood_until_it_has_grown_past_that(db: Database, column: str) -> None:
    seen = []
    for change in (10, -3, 1, -5, 6, 4):
        await add(db, **{column: change})
        seen.append(max(await counter(db, column)))
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


async def test_the_sums_are_those_of_all_time_after_every_turn(db: Database) -> None:
    recorder = Recorder(db)
    runs = [
        {"externalId": f"{n}", "status": STATUSES[n % 4], "model": f"m{n % 3}", "durationMs": 10**n % 70_001, "cost": n}
        for n in range(12)
    ]
    corrected = [{**run, "durationMs": 300, "cost": 1, "errorType": "B", "model": "m9"} for run in runs[::2]]
    for batch in (runs[:7], corrected, runs[7:], [{**run, "inputTokens": 5} for run in runs]):
        await recorder.record([run_input(**run) for run in batch])
        for turn in (fold, recompute):
            await turn(db)
            assert await sums(db, SUMS) == await sums(db, SUMS_OF_TOTALS)
    assert await db.fetchval("SELECT sum(runs) FROM run_series WHERE kind = 2") == len(runs)


async def test_what_was_counted_before_the_table_came_is_in_it(empty_dsn: str, settings: Settings) -> None:
    await upgrade(empty_dsn, "0002")
    db = await Database.open(empty_dsn, settings)
    columns = "status, model, provider, error_type, version_id, agent_id"
    zeros = [name for name in RunTotal.model_fields if name not in columns and name != "runs"]
    for values in ("2, 'm', 'p', '', 1", "2, 'm', 'p', '', 2", "3, 'n', 'p', 'E', 1", "5, '', '', '', 1"):
        await db.execute(
            f"INSERT INTO run_total ({columns}, runs, {', '.join(zeros)})"
            f" VALUES ({values}, 7, 4, {', '.join('1' for _ in zeros)})"
        )
    await upgrade(empty_dsn)
    assert len(await db.fetch(SUMS)) == 3 + 2 + 3
    assert await sums(db, SUMS) == await sums(db, SUMS_OF_TOTALS)
    await db.close()
