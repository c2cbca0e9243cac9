"""What is above the hours says the same as the runs, and putting cells together changes no sum."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from formicary.db import Database
from formicary.models.rollup import Tier
from formicary.rollups import aggregate as aggregating
from formicary.rollups import recompute as recomputing
from formicary.rollups import roll as rolling
from formicary.rollups.aggregate import aggregate, settle
from formicary.rollups.cells import COLUMNS, KEY
from formicary.rollups.fold import fold
from formicary.rollups.recompute import recompute
from formicary.rollups.roll import roll

from ..ingest.factories import NOW, run_input
from .expected import (
    assert_days_are_what_the_runs_say,
    assert_hours_are_what_the_runs_say,
    day_of,
    held,
)
from .test_fold import AT, WAITS_FOR_ADVISORY_LOCK, any_run, hold, record

HOUR = timedelta(hours=1)
MARK_ALL = f"""
    INSERT INTO rollup_stale (tier, owner_id, starts_at)
    SELECT DISTINCT {Tier.HOUR:d}, agent_id, date_trunc('hour', started_at, 'UTC') FROM run
    ORDER BY 1, 2, 3 ON CONFLICT ON CONSTRAINT rollup_stale_pkey DO NOTHING"""
MIDNIGHT = day_of(datetime.now(UTC))


async def test_days_and_projects_add_up_to_the_runs(db: Database) -> None:
    random = Random(1)
    starts = [(AT + timedelta(hours=7 * n)).isoformat() for n in range(8)]
    await record(db, *([any_run(random, startedAt=random.choice(starts)) for _ in range(60)] for _ in range(4)))
    await settle(db, datetime.now(UTC))
    await assert_hours_are_what_the_runs_say(db)
    await assert_days_are_what_the_runs_say(db, MIDNIGHT)
    await record(db, [any_run(random, startedAt=random.choice(starts)) for _ in range(60)])
    await settle(db, datetime.now(UTC))
    await assert_days_are_what_the_runs_say(db, MIDNIGHT)


async def test_a_correction_reaches_the_days(db: Database) -> None:
    await record(db, [any_run(Random(n), externalId=str(n), agent="a", project="p") for n in range(20)])
    await settle(db, datetime.now(UTC))
    moved = [any_run(Random(n + 50), externalId=str(n), agent="a", project="p") for n in range(5)]
    await record(db, moved)
    await settle(db, datetime.now(UTC))
    await assert_hours_are_what_the_runs_say(db)
    await assert_days_are_what_the_runs_say(db, MIDNIGHT)


async def test_only_what_is_not_over_stays_stale(db: Database) -> None:
    random = Random(1)
    await record(db, [any_run(random), any_run(random, startedAt=NOW.isoformat())])
    await settle(db, datetime.now(UTC))
    rows = await db.fetch("SELECT tier, starts_at FROM rollup_stale WHERE tier <> $1", Tier.PHEROMONE)
    assert {row["tier"] for row in rows} == {Tier.DAY, Tier.PROJECT_HOUR, Tier.PROJECT_DAY}
    assert all(row["starts_at"] >= day_of(NOW) for row in rows)
    await settle(db, datetime.now(UTC) + timedelta(days=1))
    assert await db.fetchval("SELECT count(*) FROM rollup_stale WHERE tier <> $1", Tier.PHEROMONE) == 0
    await assert_days_are_what_the_runs_say(db, MIDNIGHT + timedelta(days=2))


async def test_cells_of_an_hour_are_put_together_when_it_is_over(db: Database) -> None:
    random = Random(1)
    for _ in range(5):
        await record(db, [any_run(random, agent="a", version="v", status="SUCCEEDED") for _ in range(40)])
        await fold(db)
    before = await held(db, "run_hour")
    assert await db.fetchval("SELECT count(*) FROM run_hour") > len(before)
    await settle(db, datetime.now(UTC))
    assert await held(db, "run_hour") == before
    assert await db.fetchval("SELECT count(*) FROM run_hour") == len(before)


async def test_cells_of_the_current_hour_are_put_together_when_they_are_many(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "MOST_CELLS", 5)
    for n in range(30):
        await record(db, [any_run(Random(n % 5), agent="a", version="v", startedAt=NOW.isoformat())])
        await fold(db)
    before = await held(db, "run_hour")
    await roll(db, NOW)
    assert await held(db, "run_hour") == before
    assert await db.fetchval("SELECT count(*) FROM run_hour") == len(before)


async def test_above_a_stale_hour_nothing_is_made(db: Database) -> None:
    await record(db, [any_run(Random(1))])
    await fold(db)
    await db.execute("INSERT INTO rollup_stale SELECT 0, agent_id, starts_at FROM run_hour")
    await roll(db, datetime.now(UTC))
    for table in ("run_day", "project_hour", "project_day"):
        assert await db.fetchval(f"SELECT count(*) FROM {table}") == 0
    await settle(db, datetime.now(UTC))
    assert await db.fetchval("SELECT count(*) FROM run_day") == 1


@pytest.mark.parametrize(
    ("step", "tier", "owner"),
    [
        ("OF_DAYS_OF_AGENTS", Tier.DAY, "id"),
        ("OF_PROJECT_HOURS", Tier.PROJECT_HOUR, "project_id"),
        ("OF_PROJECT_DAYS", Tier.PROJECT_DAY, "project_id"),
    ],
)
async def test_above_an_hour_that_becomes_stale_meanwhile_nothing_is_made(
    db: Database, monkeypatch: pytest.MonkeyPatch, step: str, tier: Tier, owner: str
) -> None:
    """The correction is committed while marks are looked for, by a statement that no longer sees what it has marked."""
    run = {"agent": "a", "project": "p", "externalId": "x", "startedAt": AT.isoformat()}
    await record(db, [run_input(**run, status="SUCCEEDED", inputTokens=5)])
    await settle(db, datetime.now(UTC))
    await db.execute("DELETE FROM rollup_stale WHERE tier = $1", Tier.PHEROMONE)
    await db.execute(
        f"INSERT INTO rollup_stale (tier, owner_id, starts_at) SELECT $1, {owner}, $2 FROM agent",
        tier,
        AT.replace(minute=0) if tier is Tier.PROJECT_HOUR else day_of(AT),
    )
    rolled: rolling.Step = getattr(rolling, step)
    slow = rolled.lock.replace("WHERE", "WHERE (SELECT pg_advisory_xact_lock(1)::text) IS NOT NULL AND", 1)
    monkeypatch.setattr(rolling, step, rolled._replace(lock=slow))
    async with db.transaction() as other:
        await other.execute("SELECT pg_advisory_xact_lock(1)")
        turn = asyncio.create_task(roll(db, datetime.now(UTC)))
        await hold(db, WAITS_FOR_ADVISORY_LOCK)
        await record(db, [run_input(**run, status="SUCCEEDED", inputTokens=7)])
    await turn
    marks = await db.fetch("SELECT tier FROM rollup_stale ORDER BY tier")
    assert [row["tier"] for row in marks] == list(Tier)


async def test_marks_that_are_set_again_while_they_are_looked_for_are_taken(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are locked as they are by then, in a statement that began before."""
    runs = [
        {"agent": "a", "externalId": str(n), "startedAt": (AT + n * HOUR).isoformat(), "status": "SUCCEEDED"}
        for n in range(6)
    ]
    await record(db, [run_input(**run, inputTokens=5) for run in runs])
    await settle(db, datetime.now(UTC))
    await record(db, [run_input(**run, inputTokens=6) for run in runs])
    waits = "WHERE (SELECT pg_advisory_xact_lock(1)::text) IS NOT NULL AND"
    monkeypatch.setattr(recomputing, "LOCK", recomputing.LOCK.replace("WHERE", waits, 1))
    monkeypatch.setattr(recomputing, "MOST_RUNS", 5)
    async with db.transaction() as other:
        await other.execute("SELECT pg_advisory_xact_lock(1)")
        turn = asyncio.create_task(recompute(db))
        await hold(db, WAITS_FOR_ADVISORY_LOCK)
        await record(db, [run_input(**run, inputTokens=7) for run in runs])
    await turn
    assert await stale_hours(db) == 1
    await settle(db, datetime.now(UTC))
    await assert_hours_are_what_the_runs_say(db)


async def test_days_of_projects_wait_for_their_hours(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = [(day_of(AT) + timedelta(hours=n)).isoformat() for n in range(3)]
    await record(db, [run_input(agent="a", status="SUCCEEDED", startedAt=start) for start in starts])
    await fold(db)
    monkeypatch.setattr(rolling, "MOST_PROJECT_HOURS", 2)
    assert await roll(db, datetime.now(UTC))
    assert await db.fetchval("SELECT count(*) FROM project_day") == 0
    assert not await roll(db, datetime.now(UTC))
    assert await db.fetchval("SELECT count(*) FROM project_day") == 1


async def test_recompute_leaves_to_the_fold_what_is_in_the_ledger(db: Database) -> None:
    random = Random(4)
    first = [any_run(random, externalId=str(n), agent="a", project="p") for n in range(20)]
    await record(db, first)
    await fold(db)
    await record(db, [any_run(random, externalId=str(n), agent="a", project="p") for n in range(10)])
    await record(db, [any_run(random, agent="a", project="p") for _ in range(10)])
    while await recompute(db):
        pass
    await fold(db)
    await assert_hours_are_what_the_runs_say(db)


async def stale_hours(db: Database) -> int:
    return int(await db.fetchval("SELECT count(*) FROM rollup_stale WHERE tier = $1", Tier.HOUR))


async def record_in_three_hours(db: Database) -> None:
    await record(db, [any_run(Random(n), agent="a", startedAt=(AT + n * HOUR).isoformat()) for n in range(3)])


async def test_hours_that_were_never_made_are_gone_on_with_at_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record_in_three_hours(db)
    await db.execute("DELETE FROM run_batch")
    await db.execute(MARK_ALL)
    monkeypatch.setattr(recomputing, "MOST_HOURS", 2)
    assert await recompute(db)
    assert await stale_hours(db) == 1
    assert not await recompute(db)
    await assert_hours_are_what_the_runs_say(db)


async def test_an_hour_with_too_many_runs_for_a_turn_is_not_the_last_one(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record_in_three_hours(db)
    await db.execute("DELETE FROM run_batch")
    await db.execute(MARK_ALL)
    monkeypatch.setattr(recomputing, "MOST_RUNS", 1)
    assert [await recompute(db) for _ in range(3)] == [True, True, False]
    await assert_hours_are_what_the_runs_say(db)


async def test_hours_that_are_corrected_again_and_again_take_no_turn_after_turn(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record_in_three_hours(db)
    await fold(db)
    await db.execute(MARK_ALL)
    assert not await recompute(db)
    await db.execute(MARK_ALL)
    monkeypatch.setattr(recomputing, "MOST_HOURS", 1)
    assert not await recompute(db)
    assert await stale_hours(db) == 2


async def test_what_is_made_stale_all_the_time_is_aggregated_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one hour a turn, and all of them stale again after each."""
    await record_in_three_hours(db)
    monkeypatch.setattr(recomputing, "MOST_HOURS", 1)

    async def make_stale() -> None:
        while True:
            await db.execute(MARK_ALL)

    making_stale = asyncio.create_task(make_stale())
    async with asyncio.timeout(30):
        made = await aggregate(db, AT, AT + 3 * HOUR)
    making_stale.cancel()
    await asyncio.wait({making_stale})
    days = await db.fetchval("SELECT count(*) FROM run_day")
    assert made == 3 + days
    await settle(db, datetime.now(UTC))
    await assert_hours_are_what_the_runs_say(db)


async def test_a_range_of_days_is_aggregated_day_by_day(db: Database, statements: list[str]) -> None:
    starts = [AT.replace(hour=23), AT.replace(hour=23) + HOUR, AT.replace(hour=12) + timedelta(days=2)]
    await record(db, [any_run(Random(1), agent="a", startedAt=at.isoformat()) for at in starts])
    await db.execute("DELETE FROM run_batch")
    statements.clear()
    assert await aggregate(db, starts[0], starts[-1] + HOUR) == 6
    assert statements.count(aggregating.MARK) == 3
    await assert_hours_are_what_the_runs_say(db)
    await assert_days_are_what_the_runs_say(db, MIDNIGHT)


async def test_what_was_recorded_without_a_ledger_is_made_by_recompute(db: Database) -> None:
    await record(db, [any_run(Random(n)) for n in range(40)])
    await db.execute("DELETE FROM run_batch")
    await db.execute("UPDATE run SET batch_id = NULL")
    cells = await aggregate(db, AT - timedelta(hours=1), AT + timedelta(hours=4))
    await assert_hours_are_what_the_runs_say(db)
    await assert_days_are_what_the_runs_say(db, MIDNIGHT)
    assert cells == await db.fetchval("SELECT (SELECT count(*) FROM run_hour) + (SELECT count(*) FROM run_day)")


async def test_aggregated_again_nothing_changes(db: Database) -> None:
    await record(db, [any_run(Random(n)) for n in range(40)])
    await settle(db, datetime.now(UTC))
    before = [await held(db, table) for table in ("run_hour", "run_day")]
    await aggregate(db, AT - timedelta(hours=1), AT + timedelta(hours=4))
    assert [await held(db, table) for table in ("run_hour", "run_day")] == before
    await assert_hours_are_what_the_runs_say(db)


async def test_cells_without_runs_go(db: Database) -> None:
    await record(db, [any_run(Random(n)) for n in range(40)])
    await settle(db, datetime.now(UTC))
    await db.execute("DELETE FROM run WHERE id % 2 = 0")
    await aggregate(db, AT - timedelta(hours=1), AT + timedelta(hours=4))
    await assert_hours_are_what_the_runs_say(db)


async def test_one_agent_is_aggregated_alone(db: Database) -> None:
    await record(db, [any_run(Random(n)) for n in range(40)])
    await db.execute("DELETE FROM run_batch")
    agent = await db.fetchval("SELECT min(agent_id) FROM run")
    await aggregate(db, AT - timedelta(hours=1), AT + timedelta(hours=4), agent)
    assert {key[0] for key in await held(db, "run_hour")} == {agent}


async def test_before_the_horizon_marks_are_taken_away_and_cells_stay(db: Database) -> None:
    await record(db, [any_run(Random(n)) for n in range(40)])
    await settle(db, datetime.now(UTC))
    before = await held(db, "run_hour")
    await db.execute("DELETE FROM run")
    await db.execute("UPDATE run_horizon SET runs_since = $1", MIDNIGHT)
    assert await aggregate(db, AT - timedelta(hours=1), AT + timedelta(hours=4)) == 0
    await db.execute(
        "INSERT INTO rollup_stale (tier, owner_id, starts_at) SELECT DISTINCT 0, agent_id, starts_at FROM run_hour"
    )
    while await recompute(db):
        pass
    assert await held(db, "run_hour") == before
    assert await db.fetchval("SELECT count(*) FROM rollup_stale WHERE tier = $1", Tier.HOUR) == 0


async def test_a_bucket_with_more_than_an_entry_can_say_takes_several(db: Database) -> None:
    """Put together from two cells, each with nearly as much as an entry can say."""
    await record(db, [any_run(Random(1), durationMs=5, status="SUCCEEDED")])
    await fold(db)
    await db.execute("UPDATE run_hour SET runs = 2097149, durations = ARRAY[5 << 20 | 1048575, 5 << 20 | 1048574]")
    columns = ", ".join((*KEY, *COLUMNS))
    await db.execute(f"INSERT INTO run_hour ({columns}) SELECT {columns} FROM run_hour")
    before = await held(db, "run_hour")
    await settle(db, datetime.now(UTC))
    assert await held(db, "run_hour") == before
    (row,) = await db.fetch("SELECT durations FROM run_hour")
    assert sorted(row["durations"]) == [5 << 20 | 1048573, *[5 << 20 | 1048575] * 3]
