"""A run is stored once however often, however concurrently and in whatever order it is sent."""

import asyncio
from collections.abc import Sequence
from random import Random

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorded, Recorder
from formicary.ingest.run_input import RunInput

from .factories import ago, run_input, stored_runs
from .test_agent_state import assert_state_is_what_the_runs_say

STATUSES = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED"]


def batches_with_overlap(random: Random, *, batches: int, keys: int) -> list[list[RunInput]]:
    def message() -> RunInput:
        number = random.randrange(keys)
        return run_input(
            f"agent {number % 5}",
            externalId=str(number),
            version=f"v{random.randrange(2)}",
            status=random.choice(STATUSES),
            startedAt=ago(60 * number + random.randrange(3)).isoformat(),
        )

    return [[message() for _ in range(random.randrange(1, 60))] for _ in range(batches)]


def assert_adds_up(result: Recorded) -> None:
    assert result.recorded + result.updated + result.unchanged + len(result.rejected) == result.received


async def record_over_several_pools(
    dsn: str, settings: Settings, batches: Sequence[Sequence[RunInput]], *, pools: int = 3
) -> list[Recorded]:
    """As several processes would, each with its own pool, names and ids; all wait until it is their turn."""
    patient = settings.model_copy(update={"pool_timeout": 60.0})
    databases = [await Database.open(dsn, patient) for _ in range(pools)]
    recorders = [Recorder(database) for database in databases]
    try:
        return await asyncio.gather(*(recorders[number % pools].record(batch) for number, batch in enumerate(batches)))
    finally:
        for database in databases:
            await database.close()


async def test_concurrent_batches_store_each_run_once(dsn: str, settings: Settings, db: Database) -> None:
    batches = batches_with_overlap(Random(7), batches=60, keys=80)
    results = await record_over_several_pools(dsn, settings, batches)
    for result in results:
        assert_adds_up(result)
    keys = {(run.agent, run.external_id) for batch in batches for run in batch}
    assert sum(result.recorded for result in results) == len(keys) == len(await stored_runs(db))
    await assert_state_is_what_the_runs_say(db)


async def test_everything_sent_again_changes_nothing(dsn: str, settings: Settings, db: Database) -> None:
    numbers = range(100)
    runs = [run_input(f"agent {n % 3}", externalId=str(n), startedAt=ago(n).isoformat()) for n in numbers]
    await record_over_several_pools(dsn, settings, [runs])
    before = await stored_runs(db)
    results = await record_over_several_pools(dsn, settings, [runs, runs[::-1], runs[50:], runs[:50]])
    assert [result.unchanged for result in results] == [100, 100, 50, 50]
    assert await stored_runs(db) == before


async def test_keys_of_an_aborted_batch_are_free_again(dsn: str, settings: Settings, db: Database) -> None:
    await db.execute("ALTER TABLE agent_state ADD CHECK (consecutive_failures < 1)")
    aborted = await asyncio.gather(
        Recorder(db).record([run_input(externalId="x", status="FAILED")]), return_exceptions=True
    )
    result = await Recorder(db).record([run_input(externalId="x")])
    assert isinstance(aborted[0], Exception)
    assert result.recorded == 1
