"""Runs go from the ledger into the hours, each once, whoever folds and whatever happens meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.errors import LimitError
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput
from formicary.models.rollup import Tier
from formicary.rollups import fold as folding
from formicary.rollups.aggregate import settle
from formicary.rollups.fold import fold, lag
from formicary.rollups.histogram import BOUNDS
from formicary.rollups.lock import FOLD_LOCK

from ..ingest.factories import ago, run_input
from .expected import assert_hours_are_what_the_runs_say

FINAL = ["SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT"]
AT = ago(3 * 86400).replace(minute=30, second=0)

WAITS_FOR_ADVISORY_LOCK = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'"""


def any_run(random: Random, **fields: Any) -> RunInput:
    """A run of one of few keys, in one of few hours, with or without whatever a tier holds."""
    status = fields.get("status") or random.choice(FINAL)
    optional = {
        "durationMs": random.choice([0, 1, 99, 100, 101, 1000, 60000, 61234, random.randrange(10**6)]),
        "cost": str(random.randrange(10**6) / 10**6),
        "inputTokens": random.randrange(1000),
        "outputTokens": random.randrange(1000),
        "userId": f"user {random.randrange(5)}",
        "sessionId": f"session {random.randrange(5)}",
        "model": random.choice(["gpt-4o", "unheard-of"]),
        "provider": "openai",
        "pheromoneScore": random.random(),
        "filesCreated": random.randrange(3),
        "filesModified": random.randrange(3),
        "messages": random.randrange(1, 4),
        **({"errorMessage": f"after {random.randrange(99)} ms"} if status in {"FAILED", "TIMED_OUT"} else {}),
        **({"errorType": "E"} if status in {"FAILED", "TIMED_OUT"} else {}),
    }
    chosen = {name: value for name, value in optional.items() if random.random() < 0.7}
    return run_input(
        **{
            "agent": f"agent {random.randrange(3)}",
            "project": f"p{random.randrange(2)}",
            "version": f"v{random.randrange(2)}",
            "status": status,
            "startedAt": (AT + timedelta(minutes=random.randrange(180))).isoformat(),
            **chosen,
            **fields,
        },
    )


async def record(db: Database, *batches: list[RunInput]) -> None:
    recorder = Recorder(db)
    for batch in batches:
        result = await recorder.record(batch)
        assert not result.rejected


async def hold(db: Database, condition: str) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(10):
        while not await db.fetchval(condition):
            continue


async def test_it_adds_what_was_recorded(db: Database) -> None:
    random = Random(1)
    await record(db, *([any_run(random) for _ in range(50)] for _ in range(3)))
    assert not await fold(db)
    await assert_hours_are_what_the_runs_say(db)
    await record(db, [any_run(random)], [any_run(random) for _ in range(50)], [any_run(random)])
    assert not await fold(db)
    await assert_hours_are_what_the_runs_say(db)
    assert await db.fetchval("SELECT count(*) FROM run_batch") == 0


async def test_unfinished_runs_come_in_when_they_are_final(db: Database) -> None:
    await record(db, [any_run(Random(1), status="RUNNING", externalId="x", agent="a", project="p")])
    await fold(db)
    assert await db.fetchval("SELECT count(*) FROM run_hour") == 0
    await record(db, [any_run(Random(1), status="FAILED", externalId="x", agent="a", project="p")])
    await fold(db)
    await assert_hours_are_what_the_runs_say(db)
    assert await db.fetchval("SELECT count(*) FROM rollup_stale WHERE tier = $1", Tier.HOUR) == 0


async def test_sent_again_nothing_is_counted_twice(db: Database) -> None:
    batch = [any_run(Random(n), externalId=str(n)) for n in range(30)]
    await record(db, batch)
    await fold(db)
    await record(db, batch, batch[:1], batch + batch)
    await fold(db)
    await assert_hours_are_what_the_runs_say(db)


@pytest.mark.parametrize("folded_between", [True, False])
@pytest.mark.parametrize(
    "change",
    [
        {"startedAt": (AT + timedelta(days=1)).isoformat()},
        {"version": "v9"},
        {"cost": "7"},
        {"durationMs": 5},
        {"userId": "somebody else"},
        {"errorMessage": "another"},
        {"model": "another", "inputTokens": 1},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_a_correction_is_counted_as_it_is_now(db: Database, change: dict[str, Any], folded_between: bool) -> None:
    random = Random(1)
    same = {"agent": "a", "project": "p", "externalId": "x", "status": "FAILED", "startedAt": AT.isoformat()}
    fields = {"cost": "1", "durationMs": 900, "userId": "u", "errorMessage": "one", "model": "m", "version": "v"}
    await record(db, [any_run(random) for _ in range(20)], [run_input(**same, **fields)])
    if folded_between:
        await fold(db)
    await record(db, [run_input(**{**same, **fields, **change})])
    await settle(db, datetime.now(UTC))
    await assert_hours_are_what_the_runs_say(db)


async def test_a_late_run_lands_in_its_hour(db: Database) -> None:
    await record(db, [any_run(Random(n)) for n in range(20)])
    await settle(db, datetime.now(UTC))
    await record(db, [any_run(Random(99), startedAt=(AT - timedelta(days=9)).isoformat())])
    await settle(db, datetime.now(UTC))
    await assert_hours_are_what_the_runs_say(db)


async def test_several_at_once_add_everything_once(dsn: str, settings: Settings, db: Database) -> None:
    random = Random(2)
    databases = [await Database.open(dsn, settings) for _ in range(3)]
    try:
        batches = [[any_run(random, externalId=str(random.randrange(200))) for _ in range(20)] for _ in range(30)]
        work = [record(databases[n % 3], batch) for n, batch in enumerate(batches)]
        await asyncio.gather(*work, *(settle(databases[n % 3], datetime.now(UTC)) for n in range(12)))
    finally:
        for database in databases:
            await database.close()
    await settle(db, datetime.now(UTC))
    await assert_hours_are_what_the_runs_say(db)


async def test_a_turn_is_bounded_by_batches_and_by_runs(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    random = Random(3)
    await record(db, *([any_run(random) for _ in range(size)] for size in (10, 10, 10, 1, 1, 1)))
    monkeypatch.setattr(folding, "MOST_RUNS", 15)
    assert await fold(db)
    assert (await lag(db)).batches == 4
    monkeypatch.setattr(folding, "MOST_BATCHES", 2)
    monkeypatch.setattr(folding, "MOST_RUNS", 1000)
    assert await fold(db)
    assert (await lag(db)).batches in {2, 3}
    monkeypatch.undo()
    assert not await fold(db)
    await assert_hours_are_what_the_runs_say(db)


async def test_cancelled_in_the_middle_it_has_done_nothing(dsn: str, db: Database) -> None:
    await record(db, [any_run(Random(n)) for n in range(30)])
    async with db.transaction() as other:
        await other.execute("LOCK TABLE run_total IN SHARE MODE")
        folding_now = asyncio.create_task(fold(db))
        await hold(db, "SELECT count(*) FROM pg_locks WHERE relation = 'run_total'::regclass AND NOT granted")
        folding_now.cancel()
        with pytest.raises(asyncio.CancelledError):
            await folding_now
    assert await db.fetchval("SELECT count(*) FROM run_hour") == 0
    assert (await lag(db)).batches == 1
    await fold(db)
    await assert_hours_are_what_the_runs_say(db)


async def test_it_waits_for_who_holds_the_lock(db: Database) -> None:
    await record(db, [any_run(Random(1))])
    async with db.transaction() as other:
        await other.execute("SELECT pg_advisory_xact_lock($1)", FOLD_LOCK)
        waiting = asyncio.create_task(fold(db))
        await hold(db, WAITS_FOR_ADVISORY_LOCK)
        assert await db.fetchval("SELECT count(*) FROM run_hour") == 0
    await waiting
    await assert_hours_are_what_the_runs_say(db)


@pytest.mark.parametrize("pgbouncer", [False, True])
async def test_the_time_that_callers_are_given_for_a_statement_does_not_cut_it(
    dsn: str, settings: Settings, db: Database, pgbouncer: bool
) -> None:
    await record(db, [any_run(Random(1))])
    short = {"statement_timeout": 0.3, "pgbouncer": pgbouncer}
    hasty = await Database.open(dsn, settings.model_copy(update=short))
    async with db.transaction() as other:
        await other.execute("SELECT pg_advisory_xact_lock($1)", FOLD_LOCK)
        waiting = asyncio.create_task(fold(hasty))
        await hold(db, WAITS_FOR_ADVISORY_LOCK)
        await other.execute("SELECT pg_sleep(0.6)")
    await waiting
    await assert_hours_are_what_the_runs_say(db)
    with pytest.raises(LimitError):
        await hasty.fetch("SELECT pg_sleep(60)")
    await hasty.close()


async def test_the_lag_is_that_of_the_oldest_batch(db: Database) -> None:
    assert (await lag(db)).seconds is None
    await record(db, [any_run(Random(1))], [any_run(Random(2))])
    await db.execute(
        "UPDATE run_batch SET recorded_at = now() - interval '1 minute' WHERE id = (SELECT min(id) FROM run_batch)"
    )
    found = await lag(db)
    assert found.batches == 2
    assert found.seconds is not None
    assert 60 <= found.seconds < 120


async def test_a_batch_from_a_clock_ahead_of_the_databases_has_not_waited(db: Database) -> None:
    await record(db, [any_run(Random(1))])
    await db.execute("UPDATE run_batch SET recorded_at = now() + interval '1 minute'")
    assert (await lag(db)).seconds == 0


async def test_it_finds_runs_by_their_key_in_the_partitions_of_the_batch(db: Database) -> None:
    """Not by reading partitions, nor by an index of times, which a batch with one late run would make slow."""
    await record(db, [any_run(Random(n)) for n in range(300)])
    await db.execute("ANALYZE run")
    await db.execute("ANALYZE run_batch")
    rows = await db.fetch(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) {folding.FOLD}", BOUNDS, 5000, 50000)
    scans = [row[0] for row in rows if " on run_2" in row[0] and "never executed" not in row[0]]
    assert scans
    assert all("_pkey on run_2" in scan or "loops=0" in scan for scan in scans)
