"""The agents' state is what the stored runs say, however the runs came in."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from formicary.db import Database
from formicary.ingest.agent_state import LOCK
from formicary.ingest.recorder import Recorder

from .factories import ago, run_input

Message = dict[str, Any]
State = dict[str, Any]

FAILED, FAILURES = 3, {3, 5}
minutes = st.integers(1, 12).map(lambda n: ago(60 * n).isoformat())


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A message about one of few runs of few agents: most arrive more than once, and in any stage."""
    status = draw(st.sampled_from(["QUEUED", "RUNNING", "SUCCEEDED", "SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED"]))
    optional: dict[str, st.SearchStrategy[Any]] = {
        "startedAt": minutes,
        "durationMs": st.sampled_from([0, 30_000, 300_000]),
        "version": st.sampled_from(["1", "2"]),
        "errorType": st.sampled_from(["A", "B"]),
        "errorMessage": st.sampled_from(["a", "b"]),
        "pheromoneScore": st.sampled_from([0.1, 0.6, 0.9]),
        "queuedAt": minutes,
    }
    fields = draw(st.fixed_dictionaries({"agent": st.sampled_from("ab")}, optional=optional))
    if draw(st.integers(0, 9)):
        fields["externalId"] = draw(st.sampled_from("uvwxyz"))
    return fields | {"status": status}


def active(run: dict[str, Any]) -> datetime:
    at: datetime = run["ended_at"] or run["started_at"]
    return at


def expected(runs: list[dict[str, Any]]) -> State:
    """The state of an agent by all its runs, in plain Python."""
    succeeded = [run["started_at"] for run in runs if run["status"] == 2]
    failed = [run for run in runs if run["status"] in FAILURES]
    scored = [run for run in runs if run["pheromone_score"] is not None]
    last_success = max(succeeded, default=None)
    error = max(failed, key=lambda run: (run["started_at"], run["id"]), default=None)
    score = max(scored, key=lambda run: (run["started_at"], run["pheromone_score"]), default=None)
    versions: dict[int, datetime] = {}
    for run in runs:
        versions[run["version_id"]] = max(active(run), versions.get(run["version_id"], active(run)))
    return {
        "last_active_at": max(active(run) for run in runs),
        "last_success_at": last_success,
        "consecutive_failures": sum(last_success is None or run["started_at"] > last_success for run in failed),
        "last_error_started_at": error and error["started_at"],
        "last_error_at": error and active(error),
        "last_error_run_id": error and error["id"],
        "last_error_type": error and error["error_type"],
        "last_error_message": error and error["error_message"],
        "pheromone_score": score["pheromone_score"] if score else 0.5,
        "pheromone_at": score and score["started_at"],
        "versions": versions,
    }


async def states(db: Database) -> dict[int, State]:
    versions: dict[int, dict[int, datetime]] = defaultdict(dict)
    for row in await db.fetch("SELECT * FROM version_state"):
        versions[row["agent_id"]][row["version_id"]] = row["last_seen_at"]
    rows = await db.fetch("SELECT * FROM agent_state WHERE last_started_at IS NOT NULL")
    return {row["agent_id"]: dict(row) | {"versions": versions[row["agent_id"]]} for row in rows}


async def assert_state_is_what_the_runs_say(db: Database) -> None:
    runs: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in await db.fetch("SELECT * FROM run"):
        runs[row["agent_id"]].append(dict(row))
    kept = await states(db)
    assert kept.keys() == runs.keys()
    for agent, its in runs.items():
        wanted = expected(its)
        assert {field: kept[agent][field] for field in wanted} == wanted


_RESET = """
    DELETE FROM run; DELETE FROM run_key; DELETE FROM version_state; DELETE FROM agent_state;
    INSERT INTO agent_state (agent_id) SELECT id FROM agent"""


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(batches=st.lists(st.lists(messages(), min_size=1, max_size=6), min_size=1, max_size=5))
async def test_the_state_is_what_the_stored_runs_say_after_every_batch(
    db: Database, batches: list[list[Message]]
) -> None:
    await db.execute(_RESET)
    recorder = Recorder(db)
    for batch in batches:
        await recorder.record([run_input(**message) for message in batch])
        await assert_state_is_what_the_runs_say(db)


async def state(db: Database, *batches: list[Message]) -> State:
    for batch in batches:
        await Recorder(db).record([run_input(**message) for message in batch])
    (kept,) = (await states(db)).values()
    return kept


def at(minute: int, **fields: Any) -> Message:
    """A run that started so many minutes after a fixed moment."""
    return {"startedAt": ago(86_400 - 60 * minute).isoformat(), "status": "FAILED"} | fields


async def test_failures_since_the_last_success_are_counted_in_any_order(db: Database) -> None:
    kept = await state(db, [at(5)], [at(1), at(4)], [at(3, status="SUCCEEDED")], [at(2, status="SUCCEEDED"), at(0)])
    assert kept["consecutive_failures"] == 2


async def test_cancelled_runs_are_neither_failures_nor_successes(db: Database) -> None:
    kept = await state(db, [at(1)], [at(2, status="CANCELLED")], [at(3, status="TIMED_OUT")])
    assert kept["consecutive_failures"] == 2


async def test_the_last_error_outlives_its_run(db: Database) -> None:
    await state(db, [at(1, errorMessage="old", externalId="x")])
    await db.execute("DELETE FROM run")
    kept = await state(db, [at(2, status="SUCCEEDED")], [at(3, status="SUCCEEDED", externalId="y")])
    assert kept["last_error_message"] == "old"


async def test_a_reported_score_holds_until_a_later_run_reports_one(db: Database) -> None:
    kept = await state(db, [at(2, pheromoneScore=0.9)], [at(1, pheromoneScore=0.1)], [at(3)])
    assert kept["pheromone_score"] == 0.9


async def test_the_score_of_a_final_run_may_come_late(db: Database) -> None:
    kept = await state(db, [at(1, externalId="x")], [at(1, externalId="x", status="RUNNING", pheromoneScore=0.7)])
    assert kept["pheromone_score"] == 0.7


async def test_locking_gives_rows_with_a_column_since_asyncpg_cannot_hold_others_safely(db: Database) -> None:
    async with db.connection() as connection:
        assert (await connection.prepare(LOCK)).get_attributes()
