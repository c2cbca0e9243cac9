"""Runs as files: what stands in them, and that nobody's spreadsheet executes it."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from formicary.db import Database
from formicary.export.run_columns import COLUMNS
from formicary.export.runs import RunFormat, rows
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput, RunKeyInput
from formicary.models.run import RunStatus
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.scope import Scope

STARTED = datetime(2026, 11, 1, 12, 30, 15, 250_000, tzinfo=UTC)
NOTHING = RunFilter(agent=("nobody",))


async def record(db: Database, *runs: dict[str, Any]) -> None:
    """Runs of an agent, a second apart, with ids 0, 1, 2 …"""
    inputs = [
        RunInput(**{"agent": "scout", "external_id": str(n), "started_at": STARTED + timedelta(seconds=n), **fields})
        for n, fields in enumerate(runs)
    ]
    assert (await Recorder(db).record(inputs)).rejected == []


async def exported(db: Database, format_: RunFormat, where: RunFilter | None = None, *, scope: Scope = None) -> bytes:
    return b"".join([piece async for piece in rows(db, scope, where or RunFilter(), format_)])


async def as_csv(db: Database, where: RunFilter | None = None) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((await exported(db, RunFormat.CSV, where)).decode(), newline="")))


async def as_json(db: Database) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (await exported(db, RunFormat.NDJSON)).splitlines()]


async def as_parquet(db: Database, where: RunFilter | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(io.BytesIO(await exported(db, RunFormat.PARQUET, where))).to_pylist()
    return found


async def test_all_formats_say_the_same_in_the_order_of_the_starts(db: Database) -> None:
    await record(db, {"started_at": STARTED + timedelta(days=1)}, {"status": "FAILED", "error_type": "E"}, {})
    for found in (await as_csv(db), await as_json(db), await as_parquet(db)):
        assert [run["externalId"] for run in found] == ["1", "2", "0"]
        assert [run["status"] for run in found] == ["FAILED", "SUCCEEDED", "SUCCEEDED"]
        assert [list(run) for run in found] == [[column.name for column in COLUMNS]] * 3


async def test_unknown_is_empty_or_null_and_zero_is_zero(db: Database) -> None:
    await record(db, {"input_tokens": 0})
    for found, unknown, zero in (
        (await as_csv(db), "", "0"),
        (await as_json(db), None, 0),
        (await as_parquet(db), None, 0),
    ):
        assert (found[0]["outputTokens"], found[0]["inputTokens"], found[0]["cost"]) == (unknown, zero, unknown)


async def test_money_and_time_are_exact(db: Database) -> None:
    await record(db, {"cost": Decimal("0.000000000123"), "duration_ms": 1500})
    csv_run, json_run, parquet_run = (found[0] for found in (await as_csv(db), await as_json(db), await as_parquet(db)))
    assert csv_run["cost"] == json_run["cost"] == "0.000000000123"
    assert parquet_run["cost"] == Decimal("0.000000000123")
    assert csv_run["startedAt"] == json_run["startedAt"] == "2026-11-01T12:30:15.250000Z"
    assert parquet_run["startedAt"] == STARTED
    assert (csv_run["durationMs"], json_run["durationMs"]) == ("1500", 1500)


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=1", "\n=1"])
async def test_csv_holds_no_formula(db: Database, text: str) -> None:
    await record(db, {"agent": text, "status": "FAILED", "error_message": text, "session_id": text})
    [run] = await as_csv(db)
    assert (run["errorMessage"], run["sessionId"]) == (f"'{text}", f"'{text}")
    assert run["agent"].startswith("'")


@pytest.mark.parametrize("text", ['a "quoted", text', "two\nlines", "\\ and \x01\x02 and ü 🐜", "'", "\r\n"])
async def test_any_text_comes_through(db: Database, text: str) -> None:
    await record(db, {"status": "FAILED", "error_message": text, "metadata": {"note": text}})
    found = [(await as_csv(db))[0], (await as_json(db))[0], (await as_parquet(db))[0]]
    stored = await db.fetchval("SELECT error_message FROM run")
    assert [run["errorMessage"] for run in found] == [f"'{stored}" if stored[0] in "\r\n" else stored, stored, stored]
    assert found[1]["metadata"] == {"note": text}
    assert json.loads(found[2]["metadata"]) == {"note": text}


async def test_only_what_the_filter_leaves_and_the_key_may_see(db: Database) -> None:
    await record(db, {}, {"status": "FAILED"}, {"agent": "other", "project": "shop"})
    assert [run["externalId"] for run in await as_csv(db, RunFilter(status=(RunStatus.FAILED,)))] == ["1"]
    shop = await db.fetchval("SELECT id FROM project WHERE slug = 'shop'")
    lines = (await exported(db, RunFormat.CSV, scope=frozenset({shop}))).decode().splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("shop,other,")


@pytest.mark.parametrize("format_", [RunFormat.CSV, RunFormat.NDJSON])
async def test_caller_that_the_key_may_not_see_is_not_named(db: Database, format_: RunFormat) -> None:
    secret = RunKeyInput(agent="caller", project="secret", external_id="c-1")
    await record(db, {"agent": "caller", "project": "secret", "external_id": "c-1"}, {"parent": secret})
    default = await db.fetchval("SELECT id FROM project WHERE slug = 'default'")
    whole = (await exported(db, format_, RunFilter(agent=("scout",)))).decode()
    bound = (await exported(db, format_, scope=frozenset({default}))).decode()
    assert ["scout" in text for text in (whole, bound)] == [True, True]
    assert ["caller" in text for text in (whole, bound)] == [True, False]
    assert ["c-1" in text for text in (whole, bound)] == [True, False]


async def test_external_id_of_the_caller_is_no_formula(db: Database) -> None:
    await record(db, {"external_id": "=c-1"}, {"parent": RunKeyInput(agent="scout", external_id="=c-1")})
    assert [run["parentExternalId"] for run in await as_csv(db)] == ["", "'=c-1"]


@pytest.mark.parametrize("where", [NOTHING, RunFilter(session=("none",))])
async def test_without_runs_the_columns_are_still_named(db: Database, where: RunFilter) -> None:
    assert (await exported(db, RunFormat.CSV, where)).decode().strip() == ",".join(column.name for column in COLUMNS)
    assert await exported(db, RunFormat.NDJSON, where) == b""
    assert await as_parquet(db, where) == []


async def test_reader_that_leaves_frees_the_connection(db: Database) -> None:
    await record(db, *({"metadata": {"n": "x" * 10_000}} for _ in range(200)))
    pieces = rows(db, None, RunFilter(), RunFormat.NDJSON)
    await anext(pieces)
    await pieces.aclose()
    assert db.pool_use.size == db.pool_use.idle
    assert len(await as_json(db)) == 200
