"""What a transaction leaves behind: one row of the ledger that finds its final runs, and marks of what is wrong now."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorded, Recorder
from formicary.models.rollup import Tier

from .factories import ago, run_input, stored_run, stored_runs
from .test_identity import batches_with_overlap, record_over_several_pools

FOUND = """
    SELECT b.id AS batch, r.id AS run
    FROM run_batch b, unnest(b.agent_ids, b.first_ids, b.last_ids) AS p (agent_id, first_id, last_id), run r
    WHERE r.agent_id = p.agent_id AND r.id BETWEEN p.first_id AND p.last_id AND r.batch_id = b.id
    AND r.started_at BETWEEN b.started_from AND b.started_to
    ORDER BY r.id"""
MARKS = "SELECT tier, owner_id, starts_at FROM rollup_stale ORDER BY tier, owner_id, starts_at"
WAITS_FOR_THE_MARK = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
AT = ago(7200).replace(minute=30, second=0)


async def found(db: Database) -> list[int]:
    return [row["run"] for row in await db.fetch(FOUND)]


async def final(db: Database) -> list[int]:
    return [row["id"] for row in await db.fetch("SELECT id FROM run WHERE status >= 2 ORDER BY id")]


async def batches(db: Database) -> int:
    return int(await db.fetchval("SELECT count(*) FROM run_batch"))


async def marks(db: Database) -> list[tuple[int, int, datetime]]:
    return [tuple(row) for row in await db.fetch(MARKS)]


async def send(recorder: Recorder, status: str = "SUCCEEDED", **fields: Any) -> Recorded:
    return await recorder.record(
        [run_input(**{"externalId": "x", "startedAt": AT.isoformat(), **fields}, status=status)]
    )


async def test_a_batch_leaves_one_row_that_finds_its_final_runs(db: Database) -> None:
    recorder = Recorder(db)
    statuses = ["SUCCEEDED", "QUEUED", "FAILED", "RUNNING", "CANCELLED", "TIMED_OUT"]
    runs = [run_input(f"agent {n % 3}", status=statuses[n % 6], startedAt=ago(n).isoformat()) for n in range(60)]
    await recorder.record(runs[:30])
    await recorder.record(runs[30:])
    assert await batches(db) == 2
    assert await found(db) == await final(db)
    assert len(await final(db)) == 40


async def test_unfinished_runs_leave_none(db: Database) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input(status="QUEUED"), run_input(status="RUNNING")])
    await recorder.record([run_input(status="QUEUED")])
    assert await batches(db) == 0
    assert {row["batch_id"] for row in await stored_runs(db)} == {None}


@pytest.mark.parametrize("key", [{}, {"externalId": "x"}], ids=["without a key", "with a key"])
async def test_one_run_alone_has_its_own(db: Database, key: dict[str, str]) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input(status="QUEUED")])
    await recorder.record([run_input(**key)])
    assert await batches(db) == 1
    assert await found(db) == await final(db)


async def test_a_run_that_becomes_final_is_entered_and_makes_nothing_stale(db: Database) -> None:
    recorder = Recorder(db)
    await send(recorder, "RUNNING")
    await send(recorder, "SUCCEEDED")
    assert await found(db) == await final(db)
    assert await marks(db) == []


async def test_a_correction_is_entered_anew_and_its_old_hour_is_stale(db: Database) -> None:
    recorder = Recorder(db)
    await send(recorder)
    await send(recorder, startedAt=(AT + timedelta(days=1)).isoformat())
    run = await stored_run(db)
    assert [row["batch"] for row in await db.fetch(FOUND)] == [run["batch_id"]]
    hour, day = AT.replace(minute=0), AT.replace(hour=0, minute=0)
    agent, project = run["agent_id"], run["project_id"]
    assert await marks(db) == [
        (Tier.HOUR, agent, hour),
        (Tier.DAY, agent, day),
        (Tier.PROJECT_HOUR, project, hour),
        (Tier.PROJECT_DAY, project, day),
        (Tier.PHEROMONE, agent, hour),
    ]


@pytest.mark.parametrize("field", [{"taskId": "t"}, {"metadata": {"a": 1}}, {}], ids=str)
async def test_what_no_tier_holds_may_change_without_trace(db: Database, field: dict[str, Any]) -> None:
    recorder = Recorder(db)
    await send(recorder)
    before = await stored_run(db)
    result = await send(recorder, **field)
    assert (result.updated, result.unchanged) == (bool(field), not field)
    assert (await stored_run(db))["batch_id"] == before["batch_id"]
    assert await batches(db) == 1
    assert await marks(db) == []


async def test_the_ledger_does_not_make_a_run_look_changed(db: Database) -> None:
    recorder = Recorder(db)
    await send(recorder)
    await db.execute("UPDATE run SET batch_id = NULL")
    assert (await send(recorder)).unchanged == 1
    assert (await stored_run(db))["batch_id"] is None


async def test_before_the_horizon_a_final_run_stays_as_it_is(db: Database) -> None:
    recorder = Recorder(db)
    await send(recorder, cost="1")
    await send(recorder, "QUEUED", externalId="y")
    await db.execute("UPDATE run_horizon SET runs_since = $1", datetime.now(UTC))
    assert (await send(recorder, cost="2")).unchanged == 1
    assert (await send(recorder, metadata={"a": 1})).updated == 1
    assert (await send(recorder, externalId="y")).updated == 1
    assert (await send(recorder, externalId="z")).recorded == 1
    assert await marks(db) == []
    assert await found(db) == await final(db)


async def test_a_mark_that_a_worker_is_about_to_delete_is_set_again(db: Database) -> None:
    recorder = Recorder(db)
    await send(recorder)
    await send(recorder, cost="2")
    before = await marks(db)
    async with db.transaction() as worker:
        await worker.execute("DELETE FROM rollup_stale")
        correction = asyncio.create_task(send(recorder, cost="3"))
        while not await db.fetchval(WAITS_FOR_THE_MARK):
            pass
    await correction
    assert await marks(db) == before


async def test_whatever_is_sent_at_once_every_final_run_is_found_once(
    dsn: str, settings: Settings, db: Database
) -> None:
    sent = batches_with_overlap(Random(3), batches=40, keys=60)
    await record_over_several_pools(dsn, settings, sent)
    assert await found(db) == await final(db)


async def test_a_stored_run_with_an_id_between_those_of_new_ones_is_found_once(db: Database) -> None:
    """Ids are taken in blocks, so another process can have some in the middle."""
    one, other = Recorder(db), Recorder(db)
    await one.record([run_input(externalId=str(n)) for n in range(998)])
    await other.record([run_input(externalId="x", cost="1"), run_input(externalId="y")])
    await one.record([run_input(externalId=f"new {n}") for n in range(4)] + [run_input(externalId="x", cost="2")])
    assert await found(db) == await final(db)
