"""Messages about one run, in whatever order, make the same row."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import count, pairwise, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formicary.db import Database
from formicary.ingest.recorder import Recorder

from .factories import ago, run_input, stored_run, stored_runs

Message = dict[str, Any]
NOT_COMPARED = {"id", "external_id", "recorded_at", "batch_id"}
WITH_ITS_KEY = """
    SELECT run.* FROM run_key JOIN run ON run.id = run_id AND run.started_at = run_key.started_at
    WHERE run_key.external_id = $1"""

instants = st.integers(0, 30 * 86_400).map(lambda seconds: ago(seconds).isoformat())
counts = st.integers(0, 5)
texts = st.sampled_from(["a", "b"])
lists = st.lists(texts, max_size=2)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "version": texts,
    "queuedAt": instants,
    "startedAt": instants,
    "durationMs": counts,
    "model": st.sampled_from(["gpt-4o", "claude-3-5-sonnet-latest", "unknown"]),
    "provider": st.sampled_from(["openai", "anthropic"]),
    "models": lists,
    "tools": lists,
    "inputTokens": counts,
    "outputTokens": counts,
    "totalTokens": counts,
    "cachedInputTokens": counts,
    "timeToFirstTokenMs": counts,
    "cost": st.sampled_from(["0", "0.10", "0.1", "2"]),
    "errorType": texts,
    "errorMessage": texts,
    "initiator": texts,
    "taskId": texts,
    "traceId": texts,
    "spanId": texts,
    "parent": st.sampled_from([{"agent": "a", "externalId": "1"}, {"agent": "b", "externalId": "2"}]),
    "sessionId": texts,
    "userId": texts,
    "inputLength": counts,
    "outputLength": counts,
    "filesCreated": counts,
    "filesModified": counts,
    "messages": counts,
    "pheromoneScore": st.sampled_from([0.25, 0.5]),
    "metadata": st.dictionaries(texts, counts, max_size=2),
}
FINAL_FIELDS = FIELDS | {"endedAt": instants}
FINAL = st.sampled_from(["SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT"])


def message(statuses: st.SearchStrategy[str], fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Message]:
    stated = st.fixed_dictionaries({"status": statuses}, optional=fields)
    return stated.filter(lambda m: not ("startedAt" in m and "endedAt" in m and m["endedAt"] < m["startedAt"]))


stages = st.tuples(
    message(st.just("QUEUED"), FIELDS), message(st.just("RUNNING"), FIELDS), message(FINAL, FINAL_FIELDS)
)


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[list[Message]], list[list[Message]]]:
    """Some stages of a run, each once and in order; and the same in any order, in any batches, with duplicates."""
    messages = draw(st.lists(st.sampled_from(draw(stages)), min_size=1, max_size=3, unique_by=lambda m: m["status"]))
    if not any("startedAt" in message or "queuedAt" in message for message in messages):
        messages[-1]["startedAt"] = ago(5).isoformat()  # else the run lies at the moment of its recording
        messages[-1].pop("endedAt", None)
    order = {"QUEUED": 0, "RUNNING": 1}
    orderly = [[message] for message in sorted(messages, key=lambda m: order.get(m["status"], 2))]
    sent = draw(st.permutations(messages + draw(st.lists(st.sampled_from(messages), max_size=3))))
    cuts = sorted(draw(st.sets(st.integers(1, len(sent)), max_size=3)) | {0, len(sent)})
    return orderly, [sent[start:end] for start, end in pairwise(cuts)]


_numbers = count()


async def row_after(db: Database, batches: Sequence[Sequence[Message]]) -> dict[str, Any]:
    recorder, external_id = Recorder(db), f"x{next(_numbers)}"
    for batch in batches:
        result = await recorder.record([run_input(**message, externalId=external_id) for message in batch])
        assert result.recorded + result.updated + result.unchanged == result.received
    (row,) = await db.fetch(WITH_ITS_KEY, external_id)
    return {column: value for column, value in row.items() if column not in NOT_COMPARED}


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(delivery=deliveries())
async def test_any_delivery_of_the_messages_gives_the_same_row(
    db: Database, delivery: tuple[list[list[Message]], list[list[Message]]]
) -> None:
    orderly, sent = delivery
    assert await row_after(db, orderly) == await row_after(db, sent)


async def send(db: Database, *messages: Message) -> dict[str, Any]:
    """Each message in a batch of its own; gives the row."""
    for fields in messages:
        await Recorder(db).record([run_input(externalId="x", **fields)])
    return await stored_run(db)


@pytest.mark.parametrize("order", [order for order in permutations("QABF") if order.index("A") < order.index("B")])
async def test_of_several_messages_of_one_stage_the_last_counts_whatever_comes_between(
    db: Database, order: Sequence[str]
) -> None:
    messages: dict[str, Message] = {
        "Q": {"status": "QUEUED", "model": "queued", "userId": "queued"},
        "A": {"status": "RUNNING", "model": "a", "sessionId": "a", "startedAt": ago(9).isoformat()},
        "B": {"status": "RUNNING", "model": "b", "sessionId": "b"},
        "F": {"status": "SUCCEEDED", "sessionId": "final"},
    }
    row = await send(db, *(messages[name] for name in order))
    assert (row["model"], row["session_id"], row["user_id"], row["started_at"]) == ("b", "final", "queued", ago(9))


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING", "FAILED", "CANCELLED", "TIMED_OUT"])
async def test_a_final_status_is_never_taken_back(db: Database, status: str) -> None:
    row = await send(db, {"status": "SUCCEEDED"}, {"status": status, "model": "gpt-4o"})
    assert (row["status"], row["model"]) == (2, "gpt-4o")


@pytest.mark.parametrize("status", ["QUEUED", "RUNNING", "FAILED"])
async def test_a_retry_is_unchanged(db: Database, status: str) -> None:
    retried = run_input(externalId="x", status=status, metadata={"b": 1, "a": [2.0]}, cost="0.10", model="gpt-4o")
    first = await Recorder(db).record([retried, retried])
    before = await stored_run(db)
    again = await Recorder(db).record([retried, retried])
    assert (first.recorded, first.unchanged) == (1, 1)
    assert (again.recorded, again.updated, again.unchanged) == (0, 0, 2)
    assert await stored_run(db) == before


async def test_a_later_message_may_leave_out_when_the_run_started(db: Database) -> None:
    row = await send(
        db,
        {"status": "RUNNING", "startedAt": ago(60).isoformat()},
        {"status": "SUCCEEDED", "endedAt": ago(50).isoformat()},
    )
    assert (row["started_at"], row["ended_at"], row["duration_ms"], row["status"]) == (ago(60), ago(50), 10_000, 2)


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_changed_start_moves_the_run_to_its_partition(db: Database, at_once: bool) -> None:
    messages = [
        {"status": "QUEUED"},
        {"status": "RUNNING", "startedAt": ago(20 * 86_400).isoformat()},
        {"status": "SUCCEEDED", "startedAt": "2001-01-01T00:00:00Z"},
        {"status": "SUCCEEDED", "userId": "known"},
    ]
    batches = [messages] if at_once else [[message] for message in messages]
    for batch in batches:
        await Recorder(db).record([run_input(externalId="x", **message) for message in batch])
    row = await stored_run(db)
    assert (f"{row['started_at']:%Y-%m-%d}", row["user_id"]) == ("2001-01-01", "known")
    assert await db.fetchval("SELECT tableoid::regclass::text FROM run") == "run_default"
    assert await db.fetchval("SELECT started_at FROM run_key") == row["started_at"]


async def test_times_of_two_messages_that_contradict_each_other_give_no_negative_length(db: Database) -> None:
    row = await send(
        db,
        {"status": "RUNNING", "startedAt": ago(10).isoformat()},
        {"status": "FAILED", "endedAt": ago(11).isoformat()},
    )
    assert row["duration_ms"] == 0


async def test_a_message_with_more_facts_corrects_a_final_run(db: Database) -> None:
    row = await send(db, {"inputTokens": 1, "outputTokens": 2}, {"inputTokens": 5, "userId": "u"})
    assert (row["input_tokens"], row["output_tokens"], row["total_tokens"], row["user_id"]) == (5, 2, 7, "u")


async def test_what_a_message_leaves_out_stays(db: Database) -> None:
    row = await send(db, {"status": "RUNNING", "tools": ["t"], "cost": "1", "messages": 3}, {"status": "SUCCEEDED"})
    assert (row["tools"], row["cost"], row["messages"]) == ('["t"]', 1, 3)


async def test_the_cost_is_estimated_again_when_the_tokens_come_late(db: Database) -> None:
    row = await send(db, {"status": "RUNNING", "model": "gpt-4o"}, {"status": "SUCCEEDED", "inputTokens": 1_000_000})
    assert (row["cost"], row["cost_source"]) == (Decimal("2.5"), 1)


async def test_a_run_that_retention_dropped_is_not_recorded_again(db: Database) -> None:
    await send(db, {"status": "RUNNING"})
    await db.execute("DELETE FROM run")
    late = [run_input(externalId="x"), run_input(externalId="x", status="FAILED", model="m")]
    result = await Recorder(db).record(late)
    assert (result.unchanged, result.rows) == (2, [None, None])
    assert await stored_runs(db) == []


async def test_the_same_id_of_two_agents_is_two_runs(db: Database) -> None:
    result = await Recorder(db).record([run_input("a", externalId="x"), run_input("b", externalId="x")])
    assert result.recorded == 2


async def test_without_an_id_every_input_is_a_run(db: Database) -> None:
    result = await Recorder(db).record([run_input(), run_input()])
    assert (result.recorded, len(await stored_runs(db))) == (2, 2)
