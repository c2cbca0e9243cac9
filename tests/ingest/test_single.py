"""One run alone is written by one statement where it is new, and just as a batch would otherwise."""

import asyncio
from random import Random

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.partitions import _make_partition, monday_of, partition_name

from .. import postgres
from ..test_partitions import WAITS_FOR_DEFAULT
from .factories import ago, run_input, stored_runs
from .test_agent_state import assert_state_is_what_the_runs_say
from .test_faults import terminate
from .test_identity import batches_with_overlap, record_over_several_pools

ALIKE = {
    "status": "TIMED_OUT",
    "startedAt": ago(9).isoformat(),
    "durationMs": 5,
    "model": "gpt-4o",
    "inputTokens": 5,
    "tools": ["t"],
    "metadata": {"a": 1},
    "errorMessage": "slow",
    "pheromoneScore": 0.25,
}


@pytest.mark.parametrize("key", [{}, {"externalId": "new"}], ids=["without a key", "with a key"])
async def test_a_new_run_of_a_known_agent_takes_one_statement(
    db: Database, statements: list[str], key: dict[str, str]
) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input(status="FAILED", startedAt=ago(60).isoformat())])
    statements.clear()
    result = await recorder.record([run_input(**key, tools=["t"], cost="1.5", startedAt=ago(30).isoformat())])
    assert (result.recorded, len(statements)) == (1, 1)
    assert len(await stored_runs(db)) == 2
    await assert_state_is_what_the_runs_say(db)


async def test_it_is_stored_as_in_a_batch(db: Database) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input("a"), run_input("b")])
    await recorder.record([run_input("a", externalId="2", **ALIKE)])
    await recorder.record([run_input("b", externalId="2", **ALIKE), run_input("b", externalId="3")])
    rows = [row for row in await stored_runs(db) if row["external_id"] == "2"]
    aside = {"id", "agent_id", "version_id", "recorded_at", "batch_id"}
    one, other = ({column: value for column, value in row.items() if column not in aside} for row in rows)
    assert one == other


async def test_a_success_that_comes_late_counts_the_failures_after_it(db: Database) -> None:
    recorder = Recorder(db)
    for minute in (1, 3, 4):
        await recorder.record([run_input(status="FAILED", startedAt=ago(600 - 60 * minute).isoformat())])
    result = await recorder.record([run_input(startedAt=ago(600 - 120).isoformat())])
    assert (result.recorded, len(await stored_runs(db))) == (1, 4)
    assert await db.fetchval("SELECT consecutive_failures FROM agent_state") == 2


async def test_many_at_once_store_each_run_once(dsn: str, settings: Settings, db: Database) -> None:
    batches = [[run] for batch in batches_with_overlap(Random(3), batches=12, keys=60) for run in batch]
    results = await record_over_several_pools(dsn, settings, batches)
    assert sum(result.recorded for result in results) == len({run.external_id for (run,) in batches})
    await assert_state_is_what_the_runs_say(db)


async def test_batches_and_single_runs_do_not_block_each_other(dsn: str, settings: Settings, db: Database) -> None:
    batches = batches_with_overlap(Random(5), batches=20, keys=60)
    singles = [[run] for run in batches[0] + batches[1]]
    mixed = [batch for pair in zip(batches * 2, singles, strict=False) for batch in pair]
    await record_over_several_pools(dsn, settings, mixed)
    await assert_state_is_what_the_runs_say(db)


@pytest.mark.parametrize("key", [{}, {"externalId": "x"}], ids=["without a key", "with a key"])
async def test_a_connection_lost_before_it_is_not_noticed(dsn: str, db: Database, key: dict[str, str]) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input("other"), run_input()])
    postgres.wait_for(terminate(dsn))
    result = await recorder.record([run_input(**key)])
    assert (result.recorded, len(await stored_runs(db))) == (1, 3)


async def test_sent_twice_at_once_it_is_one(db: Database) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input("other"), run_input()])
    results = await asyncio.gather(*(recorder.record([run_input(externalId="x")]) for _ in range(5)))
    assert sorted(result.recorded for result in results) == [0, 0, 0, 0, 1]
    assert await db.fetchval("SELECT count(*) FROM run WHERE external_id = 'x'") == 1


@pytest.mark.parametrize("key", [{}, {"externalId": "x"}], ids=["without a key", "with a key"])
async def test_it_is_tried_once_more_where_its_partition_is_made_meanwhile(
    db: Database, statements: list[str], key: dict[str, str]
) -> None:
    recorder, week = Recorder(db), monday_of(ago(7 * 86_400))
    await recorder.record([run_input("other"), run_input()])
    await db.execute(f"DROP TABLE {partition_name(week)}")
    statements.clear()
    async with db.transaction() as connection:
        await connection.execute("LOCK TABLE run_default IN ACCESS EXCLUSIVE MODE")
        recording = asyncio.create_task(recorder.record([run_input(**key, startedAt=ago(7 * 86_400).isoformat())]))
        while not await db.fetchval(WAITS_FOR_DEFAULT):
            pass
        assert await _make_partition(connection, week)
    assert (await recording).recorded == 1
    assert sum(statement.lstrip().startswith("WITH new") for statement in statements) == 2
    assert await db.fetchval(f"SELECT count(*) FROM {partition_name(week)}") == 1
