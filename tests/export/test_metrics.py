"""Figures as files are those of the API."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq

from formicary.db import Database
from formicary.export.metrics import COLUMNS, MetricsFormat, file
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput
from formicary.resolvers import figures
from formicary.resolvers.question import Dimension, Question, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.spans import Bucket

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = ResolvedRange(START, START + timedelta(days=1))


async def record(db: Database) -> None:
    def run(agent: str, hour: int, **fields: Any) -> RunInput:
        return RunInput(agent=agent, started_at=START + timedelta(hours=hour), **fields)

    recorded = await Recorder(db).record(
        [
            run("b", 1, duration_ms=100, cost=Decimal("0.1"), user_id="u"),
            run("b", 3, duration_ms=300, cost=Decimal("0.2"), status="FAILED"),
            run("=a", 3),
        ]
    )
    assert recorded.rejected == []


async def as_csv(db: Database, question: Question) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((await file(db, None, question, MetricsFormat.CSV)).decode())))


async def test_row_of_each_agent_by_name(db: Database) -> None:
    await record(db)
    found = await as_csv(db, Question(DAY, by=Dimension.AGENT))
    assert [(row["key"], row["runs"], row["cost"], row["p50Ms"]) for row in found] == [
        ("'=a", "1", "0", ""),
        ("b", "2", "0.3", "100.0"),
    ]


async def test_figures_are_those_of_the_resolvers(db: Database) -> None:
    await record(db)
    [row] = json.loads(await file(db, None, Question(DAY), MetricsFormat.JSON))
    metrics = (await figures.read(db, None, Question(DAY, wants=Wants(durations=True, people=True)))).metrics()
    assert (row["runs"], row["successRate"], row["distinctUsers"]) == (metrics.runs, metrics.success_rate, 1)
    assert Decimal(row["cost"]) == metrics.cost.total
    assert metrics.latency is not None
    assert (row["averageMs"], row["p95Ms"]) == (metrics.latency.average_ms, metrics.latency.p95_ms)


async def test_every_step_of_a_history_stands_in_it(db: Database) -> None:
    await record(db)
    found = await as_csv(db, Question(DAY, bucket=Bucket.HOUR))
    assert len(found) == 24
    assert {row["from"]: row["runs"] for row in found if row["runs"] != "0"} == {
        "2026-11-01T01:00:00Z": "1",
        "2026-11-01T03:00:00Z": "2",
    }


async def test_steps_of_each_agent_follow_each_other(db: Database) -> None:
    await record(db)
    found = await as_csv(db, Question(DAY, by=Dimension.AGENT, bucket=Bucket.HOUR))
    assert [(row["key"], row["from"][11:13]) for row in found] == [("'=a", "03"), ("b", "01"), ("b", "03")]


async def test_parquet_has_types_and_the_same_rows(db: Database) -> None:
    await record(db)
    table = pq.read_table(io.BytesIO(await file(db, None, Question(DAY, by=Dimension.AGENT), MetricsFormat.PARQUET)))
    assert table.column_names == [column.name for column in COLUMNS]
    assert [(row["key"], row["runs"], row["cost"]) for row in table.to_pylist()] == [
        ("=a", 1, Decimal(0)),
        ("b", 2, Decimal("0.3")),
    ]


async def test_without_runs_a_dimension_has_no_rows(db: Database) -> None:
    assert await as_csv(db, Question(DAY, by=Dimension.AGENT)) == []
    table = pq.read_table(io.BytesIO(await file(db, None, Question(DAY, by=Dimension.AGENT), MetricsFormat.PARQUET)))
    assert table.num_rows == 0
