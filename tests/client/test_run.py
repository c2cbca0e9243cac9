"""What is sent of a run: its times, its end, its facts and its parent."""

import asyncio
import concurrent.futures
import contextvars
import logging
import threading
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from formicary.client import Recorder, current_run

from .conftest import NewRecorder
from .stand_in import StandIn


def only_run(recorder: Recorder, server: StandIn) -> dict[str, Any]:
    assert recorder.flush()
    (run,) = server.runs
    return run


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_run_is_sent_with_its_name_its_times_and_its_facts(recorder: Recorder, server: StandIn) -> None:
    before = datetime.now(UTC)
    with recorder.run("scout", version="1.2", project="shop", model="m-1", session_id="s-1") as run:
        run.set(cost="0.0012", metadata={"branch": "main"})
    sent = only_run(recorder, server)
    assert before <= instant(sent.pop("startedAt")) <= instant(sent.pop("endedAt")) <= datetime.now(UTC)
    assert uuid.UUID(sent["externalId"]).version == 7
    assert sent == {
        "agent": "scout",
        "version": "1.2",
        "project": "shop",
        "externalId": run.key["externalId"],
        "status": "SUCCEEDED",
        "model": "m-1",
        "sessionId": "s-1",
        "cost": "0.0012",
        "metadata": {"branch": "main"},
    }


def test_a_run_without_a_version_or_project_has_those_of_its_recorder(
    new_recorder: NewRecorder, server: StandIn
) -> None:
    recorder = new_recorder(project="shop", version="7")
    with recorder.run("scout"):
        pass
    sent = only_run(recorder, server)
    assert (sent["project"], sent["version"]) == ("shop", "7")


def test_an_exception_fails_the_run_and_goes_on_to_the_agent(recorder: Recorder, server: StandIn) -> None:
    with pytest.raises(ValueError, match="no such page"), recorder.run("scout"):
        raise ValueError("no such page " + 2_000 * "x")
    sent = only_run(recorder, server)
    assert (sent["status"], sent["errorType"]) == ("FAILED", "ValueError")
    assert sent["errorMessage"].startswith("no such page xxx")
    assert len(sent["errorMessage"]) == 1_000


class APITimeoutError(Exception):
    """Named as those of the libraries of model providers, which are no TimeoutError."""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (TimeoutError("late"), "TIMED_OUT"),
        (APITimeoutError("late"), "TIMED_OUT"),
        (ExceptionGroup("one", [TimeoutError("late")]), "TIMED_OUT"),
        (ExceptionGroup("two", [TimeoutError("late"), ValueError("bad")]), "FAILED"),
        (asyncio.CancelledError(), "CANCELLED"),
        (concurrent.futures.CancelledError(), "CANCELLED"),
        (KeyboardInterrupt(), "CANCELLED"),
        (SystemExit(1), "CANCELLED"),
    ],
)
def test_the_kind_of_exception_tells_how_a_run_ended(
    recorder: Recorder, server: StandIn, error: BaseException, status: str
) -> None:
    with pytest.raises(type(error)), recorder.run("scout"):
        raise error
    assert only_run(recorder, server)["status"] == status


async def test_a_cancelled_task_cancels_its_run(recorder: Recorder, server: StandIn) -> None:
    started = asyncio.Event()

    async def agent() -> None:
        async with recorder.run("scout"):
            started.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(agent())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await asyncio.to_thread(only_run, recorder, server))["status"] == "CANCELLED"


def test_what_postgresql_cannot_store_is_replaced_in_error_messages(recorder: Recorder, server: StandIn) -> None:
    with pytest.raises(ValueError, match="half"), recorder.run("scout"):
        raise ValueError("NUL \0 and half \ud800 a pair")
    assert only_run(recorder, server)["errorMessage"] == "NUL \N{REPLACEMENT CHARACTER} and half ? a pair"


def test_an_exception_that_cannot_be_read_is_recorded_by_its_type(recorder: Recorder, server: StandIn) -> None:
    class UnreadableError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    with pytest.raises(UnreadableError), recorder.run("scout"):
        raise UnreadableError
    sent = only_run(recorder, server)
    assert sent["errorType"].endswith("UnreadableError")
    assert sent["errorMessage"] == "(its message cannot be read: RuntimeError)"


def test_a_run_may_fail_without_an_exception(recorder: Recorder, server: StandIn) -> None:
    with recorder.run("scout") as run:
        run.fail("the answer was empty", "EmptyAnswer")
    sent = only_run(recorder, server)
    assert (sent["status"], sent["errorType"], sent["errorMessage"]) == (
        "FAILED",
        "EmptyAnswer",
        "the answer was empty",
    )


def test_start_and_end_do_without_a_block_and_only_the_first_end_counts(recorder: Recorder, server: StandIn) -> None:
    run = recorder.run("scout")
    run.start()
    run.end(TimeoutError())
    run.end()
    run.set(model="later")
    run.usage({"usage": {"prompt_tokens": 1}})
    sent = only_run(recorder, server)
    assert sent["status"] == "TIMED_OUT"
    assert "model" not in sent
    assert "inputTokens" not in sent


def test_an_announced_run_is_sent_as_running_and_as_ended_under_one_id(
    new_recorder: NewRecorder, server: StandIn
) -> None:
    recorder = new_recorder(announce=True)
    with recorder.run("scout", user_id="u") as run:
        run.set(model="m")
    assert recorder.flush()
    begun, ended = server.runs
    assert (begun["status"], ended["status"]) == ("RUNNING", "SUCCEEDED")
    assert begun["externalId"] == ended["externalId"]
    assert begun["startedAt"] == ended["startedAt"]
    assert (begun.keys() - {"startedAt"}) == {"agent", "version", "project", "externalId", "status", "userId"}


def test_tools_metadata_and_the_first_token_are_gathered(recorder: Recorder, server: StandIn) -> None:
    with recorder.run("scout", metadata={"a": 1, "b": 1}) as run:
        run.tool("search")
        run.tool("read")
        run.first_token()
        first = run._facts["time_to_first_token_ms"]
        run.first_token()
        run.set(metadata={"b": 2})
    sent = only_run(recorder, server)
    assert sent["tools"] == ["search", "read"]
    assert sent["metadata"] == {"a": 1, "b": 2}
    assert sent["timeToFirstTokenMs"] == first


def test_usage_adds_up_over_calls_and_names_the_models(recorder: Recorder, server: StandIn) -> None:
    with recorder.run("scout") as run:
        run.usage({"model": "small", "usage": {"prompt_tokens": 10, "completion_tokens": 1}})
        run.usage({"model": "large", "usage": {"input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 7}})
    sent = only_run(recorder, server)
    assert (sent["inputTokens"], sent["outputTokens"], sent["cachedInputTokens"]) == (105, 8, 90)
    assert (sent["model"], sent["models"]) == ("large", ["small", "large"])


def test_a_stated_model_stays(recorder: Recorder, server: StandIn) -> None:
    with recorder.run("scout", model="alias") as run:
        run.usage({"model": "alias-2026-01-01", "usage": {"prompt_tokens": 10}})
    sent = only_run(recorder, server)
    assert sent["model"] == "alias"
    assert "models" not in sent


def test_what_carries_no_usage_is_said_and_does_no_harm(
    recorder: Recorder, server: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    with recorder.run("scout") as run:
        run.usage(object())
        run.usage(None)
    assert "inputTokens" not in only_run(recorder, server)
    assert "tells no usage" in caplog.text


def test_facts_are_converted_where_that_is_plain(recorder: Recorder, server: StandIn) -> None:
    user = uuid.uuid4()
    facts = cast("Any", {"user_id": user, "task_id": 7, "input_tokens": 3.0, "tools": "search", "cost": 0.1})
    with recorder.run("scout", **facts) as run:
        run.set(queued_at=datetime(2026, 3, 2, 10, tzinfo=UTC), metadata={"at": datetime(2026, 3, 2, tzinfo=UTC)})
    sent = only_run(recorder, server)
    assert (sent["userId"], sent["taskId"], sent["inputTokens"]) == (str(user), "7", 3)
    assert (sent["tools"], sent["cost"]) == (["search"], "0.1")
    assert sent["queuedAt"] == "2026-03-02T10:00:00+00:00"
    assert sent["metadata"] == {"at": "2026-03-02 00:00:00+00:00"}


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "facts",
    [
        {"input_tokens": "many"},
        {"input_tokens": 1.5},
        {"input_tokens": True},
        {"cost": "NaN"},
        {"cost": Decimal("Infinity")},
        {"pheromone_score": float("nan")},
        {"metadata": "text"},
        {"metadata": {"deep": None}},
        {"model": ["m"]},
        {"user_id": Unreadable()},
        {"no_such_fact": 1},
        {"queued_at": "yesterday"},
    ],
)
def test_a_fact_that_does_not_fit_is_left_out_and_said_and_the_run_is_recorded(
    recorder: Recorder, server: StandIn, caplog: pytest.LogCaptureFixture, facts: Any
) -> None:
    if facts.get("metadata") == {"deep": None}:
        facts["metadata"]["deep"] = facts["metadata"]
    with recorder.run("scout", initiator="cron") as run:
        run.set(**facts)
    sent = only_run(recorder, server)
    assert (sent["initiator"], sent["status"]) == ("cron", "SUCCEEDED")
    assert sent.keys() == {"agent", "version", "project", "externalId", "status", "startedAt", "endedAt", "initiator"}
    assert "left out" in caplog.text


def test_nothing_that_an_agent_states_raises(recorder: Recorder, server: StandIn) -> None:
    with recorder.run("scout", metadata=cast("Any", 1)) as run:
        run.set(metadata=cast("Any", 2))
        run.set(tools=cast("Any", 3))
        run.usage(Unreadable())
        run.fail(cast("Any", Unreadable()))
    assert only_run(recorder, server)["status"] == "SUCCEEDED"


def test_a_run_knows_the_run_around_it(recorder: Recorder, server: StandIn) -> None:
    with recorder.run("planner", project="shop") as outer:
        with recorder.run("scout") as inner:
            assert current_run() is inner
        assert current_run() is outer
    assert current_run() is not outer
    assert recorder.flush()
    child, parent = server.runs
    assert child["parent"] == outer.key
    assert child["parent"] == {name: parent[name] for name in ("agent", "externalId", "project")}
    assert "parent" not in parent


def test_outside_of_any_run_there_is_one_that_is_not_recorded(recorder: Recorder, server: StandIn) -> None:
    current_run().set(model="m")
    current_run().usage({"usage": {"prompt_tokens": 1}})
    current_run().end()
    assert recorder.flush()
    assert server.runs == []


async def test_tasks_that_a_run_starts_are_its_children(recorder: Recorder, server: StandIn) -> None:
    async def call() -> None:
        async with recorder.run("scout"):
            await asyncio.to_thread(nested)

    def nested() -> None:
        with recorder.run("reader"):
            pass

    async with recorder.run("planner") as outer:
        await asyncio.gather(call(), call())
    assert await asyncio.to_thread(recorder.flush)
    scouts = [run for run in server.runs if run["agent"] == "scout"]
    readers = [run for run in server.runs if run["agent"] == "reader"]
    assert [scout["parent"] for scout in scouts] == [outer.key, outer.key]
    assert {reader["parent"]["externalId"] for reader in readers} == {scout["externalId"] for scout in scouts}


def test_a_parent_can_be_given(recorder: Recorder, server: StandIn) -> None:
    key = {"agent": "planner", "externalId": "job-1", "project": "default"}
    with recorder.run("other"), recorder.run("scout", parent=cast("Any", key)):
        pass
    assert recorder.flush()
    assert server.runs[0]["parent"] == key


def test_a_run_of_another_recorder_is_no_parent(recorder: Recorder, new_recorder: NewRecorder, server: StandIn) -> None:
    with new_recorder().run("planner"), recorder.run("scout"):
        pass
    assert "parent" not in only_run(recorder, server) or pytest.fail("it has one")


def test_a_run_may_end_in_another_context_than_it_began(recorder: Recorder, server: StandIn) -> None:
    run = contextvars.copy_context().run(recorder.run("scout").__enter__)
    run.__exit__(None, None, None)
    assert only_run(recorder, server)["status"] == "SUCCEEDED"


def test_runs_of_many_threads_are_all_sent(recorder: Recorder, server: StandIn) -> None:
    def work() -> None:
        for _ in range(200):
            with recorder.run("scout"):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorder.flush(30)
    assert len({run["externalId"] for run in server.runs}) == 1_600
    assert "parent" not in server.runs[0]


def test_without_an_address_nothing_is_recorded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    recorder = Recorder(None)
    with recorder.run("scout") as run:
        run.set(model="m")
    assert recorder.flush()
    recorder.close()
    assert (recorder.counts.delivered, recorder.counts.dropped) == (0, 0)
    assert caplog.text == ""
