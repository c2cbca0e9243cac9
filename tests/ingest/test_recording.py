"""Statements that say all of a run, and runs that are taken back, within the transaction of something else."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.ingest.recording import Accepted
from formicary.ingest.run_input import RunInput, RunKeyInput
from formicary.ingest.writer import Outcome, Says, Written
from formicary.rollups.fold import fold
from formicary.rollups.recompute import recompute

from ..rollups.expected import assert_hours_are_what_the_runs_say
from .factories import ago, run_input, stored_run, stored_runs
from .test_agent_state import expected, states

RESET = """
    DELETE FROM run; DELETE FROM run_key; DELETE FROM version_state; DELETE FROM agent_state; DELETE FROM run_hour;
    DELETE FROM error_hour; DELETE FROM run_total; DELETE FROM run_series; DELETE FROM rollup_stale;
    DELETE FROM run_batch; INSERT INTO agent_state (agent_id) SELECT id FROM agent"""


async def write(
    recorder: Recorder, *runs: RunInput, says: Says = Says.ALL, withdrawn: tuple[RunKeyInput, ...] = ()
) -> Written:
    accepted = [Accepted(at, run, None) for at, run in enumerate(runs)]
    async with recorder.transaction() as recording:
        return await recording.write(accepted, datetime.now(UTC), says=[says] * len(accepted), withdrawn=withdrawn)


def key(external_id: str, agent: str = "reader") -> RunKeyInput:
    return RunKeyInput(agent=agent, external_id=external_id)


async def settle(db: Database) -> None:
    while await fold(db) or await recompute(db):
        pass


async def test_what_says_all_of_a_run_takes_the_place_of_what_was_known(db: Database) -> None:
    recorder = Recorder(db)
    first = {"externalId": "x", "startedAt": ago(60).isoformat(), "endedAt": ago(50).isoformat()}
    await write(
        recorder, run_input(**first, inputTokens=5, model="gpt-4o", tools=["a"], errorType="E", status="FAILED")
    )
    before = await stored_run(db)
    written = await write(recorder, run_input(**first, outputTokens=7, tools=["b"]))
    after = await stored_run(db)
    assert written.outcomes == [Outcome.UPDATED]
    assert (after["id"], after["recorded_at"]) == (before["id"], before["recorded_at"])
    told = (after["status"], after["input_tokens"], after["output_tokens"], after["total_tokens"], after["model"])
    assert told == (2, None, 7, 7, None)
    assert (after["tools"], after["error_type"], after["cost"]) == ('["b"]', None, None)


@pytest.mark.parametrize("says", Says)
async def test_the_same_again_changes_nothing(db: Database, says: Says) -> None:
    recorder = Recorder(db)
    run = run_input(
        externalId="x", startedAt=ago(60).isoformat(), durationMs=5, model="gpt-4o", inputTokens=5, tools=["a", "b"]
    )
    await write(recorder, run, says=says)
    before = await stored_run(db)
    assert (await write(recorder, run, says=says)).outcomes == [Outcome.UNCHANGED]
    assert await stored_run(db) == before


async def test_an_estimate_stands_as_long_as_what_it_was_made_of(db: Database) -> None:
    recorder = Recorder(db)
    run = {"externalId": "x", "startedAt": ago(60).isoformat(), "model": "m-1", "inputTokens": 1_000_000}
    set_price = """INSERT INTO model_price (model, provider, input_per_million, output_per_million, valid_from)
        VALUES ('m-1', '', $1, 0, '2020-01-01') ON CONFLICT (model, provider, valid_from)
        DO UPDATE SET input_per_million = excluded.input_per_million"""
    await db.execute(set_price, 2)
    await recorder.prices.refresh(db, force=True)
    await write(recorder, run_input(**run))
    await db.execute(set_price, 3)
    await recorder.prices.refresh(db, force=True)
    await write(recorder, run_input(**run, sessionId="s"))
    assert (await stored_run(db))["cost"] == 2
    await write(recorder, run_input(**{**run, "inputTokens": 2_000_000}))
    assert (await stored_run(db))["cost"] == 6


async def test_what_says_nothing_of_a_known_run_leaves_it_and_adds_an_unknown_one(db: Database) -> None:
    recorder = Recorder(db)
    await write(recorder, run_input(externalId="x", inputTokens=5))
    written = await write(
        recorder, run_input(externalId="x", inputTokens=6), run_input(externalId="y"), says=Says.NOTHING
    )
    assert written.outcomes == [Outcome.UNCHANGED, Outcome.RECORDED]
    assert [run["input_tokens"] for run in await stored_runs(db)] == [5, None]


async def test_a_withdrawn_run_has_never_been_and_may_be_recorded_again(db: Database) -> None:
    recorder = Recorder(db)
    await write(recorder, run_input(externalId="x", status="FAILED", errorType="E"), run_input("other", externalId="x"))
    await settle(db)
    await write(recorder, withdrawn=(key("x"), key("unknown"), key("x", "nobody")))
    assert [run["external_id"] for run in await stored_runs(db)] == ["x"]
    assert await db.fetchval("SELECT count(*) FROM run_key") == 1
    await settle(db)
    await assert_hours_are_what_the_runs_say(db)
    assert (await write(recorder, run_input(externalId="x"))).outcomes == [Outcome.RECORDED]


async def test_a_run_of_a_time_of_which_runs_are_not_kept_stays(db: Database) -> None:
    recorder = Recorder(db)
    await write(recorder, run_input(externalId="x", startedAt=ago(3600).isoformat(), inputTokens=5))
    await db.execute("UPDATE run_horizon SET runs_since = $1", ago(0))
    await write(recorder, withdrawn=(key("x"),))
    await write(recorder, run_input(externalId="x", startedAt=ago(3600).isoformat(), inputTokens=6))
    assert (await stored_run(db))["input_tokens"] == 5
    assert await db.fetchval("SELECT count(*) FROM run_key") == 1


async def test_nothing_is_kept_of_a_transaction_that_fails(db: Database) -> None:
    recorder = Recorder(db)

    async def fail() -> None:
        async with recorder.transaction() as recording:
            await recording.write([Accepted(0, run_input("new", version="9"), None)], datetime.now(UTC))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await stored_runs(db) == []
    await write(recorder, run_input("new", version="9"))
    assert len(await stored_runs(db)) == 1


statements = st.builds(
    run_input,
    agent=st.sampled_from("ab"),
    externalId=st.sampled_from("xyz"),
    status=st.sampled_from(["SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED", "RUNNING"]),
    startedAt=st.integers(1, 5).map(lambda n: ago(2000 * n).isoformat()),
    version=st.sampled_from(["1", "2"]),
    inputTokens=st.sampled_from([1, None]),
    errorType=st.sampled_from(["A", None]),
)
withdrawals = st.tuples(st.sampled_from("xyz"), st.sampled_from("ab"))
steps = st.tuples(
    st.lists(statements, max_size=4, unique_by=lambda run: (run.agent, run.external_id)),
    st.lists(withdrawals, max_size=3, unique=True),
    st.booleans(),
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(steps, min_size=1, max_size=6))
async def test_figures_and_states_are_what_the_runs_say_that_are_left(
    db: Database, steps: list[tuple[list[RunInput], list[tuple[str, str]], bool]]
) -> None:
    await db.execute(RESET)
    recorder = Recorder(db)
    for runs, taken_back, settled in steps:
        said = {(run.external_id, run.agent) for run in runs}
        await write(recorder, *runs, withdrawn=tuple(key(*which) for which in taken_back if which not in said))
        await assert_states_are_what_the_runs_say(db)
        if settled:
            await settle(db)
            await assert_hours_are_what_the_runs_say(db)
    await settle(db)
    await assert_hours_are_what_the_runs_say(db)


async def assert_states_are_what_the_runs_say(db: Database) -> None:
    runs: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in await db.fetch("SELECT * FROM run"):
        runs[row["agent_id"]].append(dict(row))
    for agent, state in (await states(db)).items():
        if its := runs.get(agent):
            wanted = expected(its)
            assert {field: state[field] for field in wanted} == wanted
        else:
            assert (state["last_active_at"], state["last_success_at"], state["last_error_run_id"]) == (None, None, None)
            assert (state["consecutive_failures"], state["versions"]) == (0, {})
