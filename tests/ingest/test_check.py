from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formicary.db import Database
from formicary.ingest.check import _every_problem, _is_plain, problems
from formicary.ingest.recorder import Recorder
from formicary.ingest.row import encode_metadata
from formicary.ingest.run_input import RunKeyInput
from formicary.ingest.scalars import Milliseconds, Money

from .factories import ago, raw_input, run_input, stored_run, stored_runs

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = datetime(2026, 6, 1, tzinfo=UTC)


def faults(**fields: Any) -> list[tuple[str, str]]:
    return [(problem.path, problem.code) for problem in problems(raw_input(**fields), NOW)]


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"agent": ""}, "agent", "EMPTY"),
    ({"agent": " \n"}, "agent", "EMPTY"),
    ({"agent": "a" * 201}, "agent", "TOO_LONG"),
    ({"agent": "a\0"}, "agent", "NUL_CHARACTER"),
    ({"agent": "\ud800"}, "agent", "INVALID"),
    ({"project": ""}, "project", "INVALID"),
    ({"project": "-a"}, "project", "INVALID"),
    ({"project": "a/b"}, "project", "INVALID"),
    ({"project": "a\n"}, "project", "INVALID"),
    ({"project": "a" * 101}, "project", "INVALID"),
    ({"version": ""}, "version", "EMPTY"),
    ({"version": "1" * 201}, "version", "TOO_LONG"),
    ({"external_id": ""}, "externalId", "EMPTY"),
    ({"external_id": "x" * 201}, "externalId", "TOO_LONG"),
    ({"model": "m" * 201}, "model", "TOO_LONG"),
    ({"provider": "p\0"}, "provider", "NUL_CHARACTER"),
    ({"error_type": "\udfff"}, "errorType", "INVALID"),
    ({"error_message": "\0"}, "errorMessage", "NUL_CHARACTER"),
    ({"initiator": "\0"}, "initiator", "NUL_CHARACTER"),
    ({"task_id": "t" * 201}, "taskId", "TOO_LONG"),
    ({"trace_id": "\0"}, "traceId", "NUL_CHARACTER"),
    ({"span_id": "\0"}, "spanId", "NUL_CHARACTER"),
    ({"session_id": "\0"}, "sessionId", "NUL_CHARACTER"),
    ({"user_id": "\0"}, "userId", "NUL_CHARACTER"),
    ({"tools": ["t"] * 101}, "tools", "TOO_MANY"),
    ({"tools": ["t", ""]}, "tools[1]", "EMPTY"),
    ({"models": ["m" * 201]}, "models[0]", "TOO_LONG"),
    ({"input_tokens": -1}, "inputTokens", "NEGATIVE"),
    ({"output_tokens": -1}, "outputTokens", "NEGATIVE"),
    ({"total_tokens": -1}, "totalTokens", "NEGATIVE"),
    ({"cached_input_tokens": -1}, "cachedInputTokens", "NEGATIVE"),
    ({"input_length": -1}, "inputLength", "NEGATIVE"),
    ({"output_length": -1}, "outputLength", "NEGATIVE"),
    ({"files_created": -1}, "filesCreated", "NEGATIVE"),
    ({"files_modified": -1}, "filesModified", "NEGATIVE"),
    ({"messages": -1}, "messages", "NEGATIVE"),
    ({"input_tokens": 10**12 + 1}, "inputTokens", "OUT_OF_RANGE"),
    ({"output_tokens": 10**12 + 1}, "outputTokens", "OUT_OF_RANGE"),
    ({"total_tokens": 10**12 + 1}, "totalTokens", "OUT_OF_RANGE"),
    ({"cached_input_tokens": 10**12 + 1}, "cachedInputTokens", "OUT_OF_RANGE"),
    ({"input_length": 10**12 + 1}, "inputLength", "OUT_OF_RANGE"),
    ({"output_length": 2**53 - 1}, "outputLength", "OUT_OF_RANGE"),
    ({"duration_ms": -0.1}, "durationMs", "OUT_OF_RANGE"),
    ({"duration_ms": float("nan")}, "durationMs", "OUT_OF_RANGE"),
    ({"duration_ms": float("inf")}, "durationMs", "OUT_OF_RANGE"),
    ({"time_taken": Milliseconds(-1)}, "timeTaken", "OUT_OF_RANGE"),
    ({"time_to_first_token_ms": 1e13}, "timeToFirstTokenMs", "OUT_OF_RANGE"),
    ({"cost": Money("-0.1")}, "cost", "NEGATIVE"),
    ({"cost": Money("1000000000.1")}, "cost", "OUT_OF_RANGE"),
    ({"cost": Money("1e-31")}, "cost", "OUT_OF_RANGE"),
    ({"cost": Money("0e999999")}, "cost", "OUT_OF_RANGE"),
    ({"pheromone_score": 1.01}, "pheromoneScore", "OUT_OF_RANGE"),
    ({"pheromone_score": -0.01}, "pheromoneScore", "OUT_OF_RANGE"),
    ({"started_at": datetime(1999, 12, 31, 23, 59, 59, tzinfo=UTC)}, "startedAt", "OUT_OF_RANGE"),
    ({"ended_at": NOW + timedelta(days=1, seconds=1)}, "endedAt", "OUT_OF_RANGE"),
    ({"queued_at": datetime(1, 1, 1, tzinfo=UTC)}, "queuedAt", "OUT_OF_RANGE"),
    ({"started_at": AT, "ended_at": AT - timedelta(milliseconds=1)}, "endedAt", "CONTRADICTION"),
    ({"status": "RUNNING", "ended_at": AT}, "endedAt", "CONTRADICTION"),
    ({"status": "QUEUED", "ended_at": AT}, "endedAt", "CONTRADICTION"),
    ({"duration_ms": 2000.0, "time_taken": Milliseconds(1000)}, "timeTaken", "CONTRADICTION"),
    ({"started_at": AT, "duration_ms": 1e12}, "durationMs", "CONTRADICTION"),
    ({"ended_at": AT, "time_taken": Milliseconds(10**12)}, "timeTaken", "CONTRADICTION"),
    ({"parent": RunKeyInput("", "x")}, "parent.agent", "EMPTY"),
    ({"parent": RunKeyInput("a", "")}, "parent.externalId", "EMPTY"),
    ({"parent": RunKeyInput("a", "x", "/")}, "parent.project", "INVALID"),
    ({"external_id": "x", "parent": RunKeyInput("reader", "x")}, "parent", "CONTRADICTION"),
]


@pytest.mark.parametrize(("fields", "path", "code"), WRONG, ids=lambda value: str(value)[:40])
def test_a_fault_is_named_by_path_and_code(fields: dict[str, Any], path: str, code: str) -> None:
    assert (path, code) in faults(**fields)


RIGHT: list[dict[str, Any]] = [
    {"agent": "a" * 200, "project": "A" + "." * 99, "version": "ü" * 200},
    {"tools": ["t" * 200] * 100, "models": []},
    {"input_tokens": 0, "messages": 0, "files_created": 0, "duration_ms": 0.0, "cost": Money("0")},
    {"input_tokens": 10**12, "output_tokens": 10**12, "total_tokens": 10**12, "cached_input_tokens": 10**12},
    {"input_length": 10**12, "output_length": 10**12, "messages": 2**31 - 1},
    {"cost": Money("1000000000")},
    {"cost": Money("1e-30")},
    {"cost": Money("0.30000000000000004")},
    {"pheromone_score": 0.0},
    {"pheromone_score": 1.0},
    {"started_at": datetime(2000, 1, 1, tzinfo=UTC), "ended_at": NOW + timedelta(days=1)},
    {"started_at": AT, "ended_at": AT},
    {"duration_ms": 1000.4, "time_taken": Milliseconds(1000)},
    {"duration_ms": 1e12},
    {"started_at": AT, "ended_at": AT, "duration_ms": 1e12},
    {"external_id": "x", "parent": RunKeyInput("other", "x")},
]


@pytest.mark.parametrize("fields", RIGHT, ids=lambda value: str(value)[:40])
def test_what_lies_on_the_bounds_is_good(fields: dict[str, Any]) -> None:
    assert faults(**fields) == []


def test_every_fault_of_a_run_is_named() -> None:
    assert faults(agent="", input_tokens=-1, cost=Money(-1)) == [
        ("agent", "EMPTY"),
        ("inputTokens", "NEGATIVE"),
        ("cost", "NEGATIVE"),
    ]


PLAIN: dict[str, Any] = {
    "agent": "reader",
    "project": "my-project",
    "version": "1.0",
    "external_id": "x",
    "status": "FAILED",
    "queued_at": AT - timedelta(hours=1),
    "started_at": AT,
    "ended_at": AT + timedelta(hours=1),
    "duration_ms": 3_600_000.0,
    "model": "m",
    "models": ["m", "n"],
    "tools": ["t"],
    "error_message": "went wrong",
    "user_id": "ü",
    "input_tokens": 5,
    "messages": 0,
    "cost": Money("0.1"),
    "pheromone_score": 1.0,
}
unusual = st.sampled_from([*(fields for fields, _, _ in WRONG), *RIGHT]).flatmap(
    lambda of: st.sampled_from([*of.items()])
)


def test_a_usual_run_is_plain() -> None:
    assert _is_plain(raw_input(**PLAIN), NOW)


@given(fields=st.lists(unusual, max_size=2))
def test_what_is_good_at_first_sight_is_good_looked_at_closely(fields: list[tuple[str, Any]]) -> None:
    run = raw_input(**PLAIN | dict(fields))
    assert not _is_plain(run, NOW) or _every_problem(run, NOW) == []


def test_a_long_text_is_not_echoed() -> None:
    (problem,) = problems(raw_input(project="secret " * 100), NOW)
    assert len(problem.message) < 200


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ([], "INVALID"),
        ("text", "INVALID"),
        (1, "INVALID"),
        (False, "INVALID"),
        ({"a": "x" * 16 * 1024}, "TOO_LONG"),
        ({"a": "x" * (16 * 1024 - 7)}, "TOO_LONG"),
        ({"a": ["\0"]}, "NUL_CHARACTER"),
        ({"a\0": 1}, "NUL_CHARACTER"),
        ({"a": "\ud800"}, "INVALID"),
        (nested(33), "TOO_DEEP"),
        (nested(100_000), "TOO_DEEP"),
        (nested(32) | {"b": "\0"}, "NUL_CHARACTER"),
    ],
    ids=lambda value: ascii(value)[:20] if not isinstance(value, dict) else None,
)
def test_bad_metadata_is_a_problem(metadata: Any, code: str) -> None:
    problem = encode_metadata(metadata)
    assert not isinstance(problem, str | None)
    assert (problem.path, problem.code) == ("metadata", code)


@pytest.mark.parametrize(
    "metadata",
    [{"a": "x" * (16 * 1024 - 8)}, nested(32), {"a": "\\u0000"}, {"a": "[{" * 100}],
    ids=["16 KiB", "32 levels", "escaped backslash", "brackets in a text"],
)
def test_metadata_on_the_bounds_is_stored_as_it_is(metadata: dict[str, Any]) -> None:
    assert isinstance(encode_metadata(metadata), str)


async def test_the_runs_beside_a_bad_one_are_recorded(db: Database) -> None:
    batch = [run_input(externalId="1"), run_input(agent=""), run_input(metadata=[1]), run_input(externalId="2")]
    result = await Recorder(db).record(batch)
    assert (result.received, result.recorded, len(result.rejected)) == (4, 2, 2)
    assert [(item.index, item.problems[0].path) for item in result.rejected] == [(1, "agent"), (2, "metadata")]
    assert [row["external_id"] for row in await stored_runs(db)] == ["1", "2"]
    assert [row is None for row in result.rows] == [False, True, True, False]


async def test_a_batch_of_bad_runs_only_writes_nothing(db: Database, statements: list[str]) -> None:
    result = await Recorder(db).record([run_input(agent="")])
    assert (result.received, result.recorded, len(result.rejected)) == (1, 0, 1)
    assert not any("INSERT" in statement for statement in statements)


async def test_an_error_message_is_cut_at_1000_characters(db: Database) -> None:
    await Recorder(db).record([run_input(status="FAILED", errorMessage="é" * 1001)])
    assert (await stored_run(db))["error_message"] == "é" * 1000


async def test_every_field_is_stored(db: Database) -> None:
    fields: dict[str, Any] = {
        "externalId": "x",
        "version": "1.0",
        "status": "FAILED",
        "queuedAt": ago(100).isoformat(),
        "startedAt": ago(90).isoformat(),
        "endedAt": ago(80).isoformat(),
        "durationMs": 9999.6,
        "model": "m",
        "provider": "p",
        "models": ["m", "n"],
        "tools": ["t"],
        "inputTokens": 5,
        "outputTokens": 6,
        "totalTokens": 12,
        "cachedInputTokens": 3,
        "timeToFirstTokenMs": 1.5,
        "cost": "0.00125",
        "errorType": "E",
        "errorMessage": "went wrong",
        "initiator": "i",
        "taskId": "task",
        "traceId": "trace",
        "spanId": "span",
        "sessionId": "session",
        "userId": "user",
        "inputLength": 7,
        "outputLength": 8,
        "filesCreated": 1,
        "filesModified": 2,
        "messages": 3,
        "pheromoneScore": 0.25,
        "metadata": {"a": [1, None, "ü"]},
    }
    await Recorder(db).record([run_input(**fields, parent={"agent": "caller", "externalId": "y"})])
    row = await stored_run(db)
    assert row["external_id"] == "x"
    assert (row["queued_at"], row["started_at"], row["ended_at"]) == (ago(100), ago(90), ago(80))
    assert (row["duration_ms"], row["time_to_first_token_ms"]) == (10000, 2)
    assert (row["model"], row["provider"], row["models"], row["tools"]) == ("m", "p", '["m", "n"]', '["t"]')
    assert [row[f"{name}_tokens"] for name in ("input", "output", "total", "cached_input")] == [5, 6, 12, 3]
    assert (row["cost"], row["cost_source"], row["status"]) == (Decimal("0.00125"), 0, 3)
    assert (row["error_type"], row["error_message"]) == ("E", "went wrong")
    assert [row[name] for name in ("initiator", "task_id", "trace_id", "span_id")] == ["i", "task", "trace", "span"]
    assert [row[name] for name in ("session_id", "user_id", "parent_external_id")] == ["session", "user", "y"]
    assert [row[name] for name in ("input_length", "output_length")] == [7, 8]
    assert [row[name] for name in ("files_created", "files_modified", "messages")] == [1, 2, 3]
    assert (row["pheromone_score"], row["metadata"]) == (0.25, '{"a": [1, null, "ü"]}')
    assert row["parent_agent_id"] == await db.fetchval("SELECT id FROM agent WHERE name = 'caller'")
