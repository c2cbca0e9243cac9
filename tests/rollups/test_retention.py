"""Too old runs and cells go, nothing else does, and no run that a tier has still to take in."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest import ledger
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput
from formicary.models import Tier
from formicary.partitions import monday_of, partition_name
from formicary.rollups import retention
from formicary.rollups.lock import FOLD_LOCK, fold_transaction
from formicary.rollups.retention import expire, expire_cells, expire_keys, expire_runs

NOW = datetime.now(UTC)
THIS_WEEK = monday_of(NOW)
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
HORIZON = THIS_WEEK - 2 * WEEK
OLD_PARTITIONS = [partition_name(THIS_WEEK - number * WEEK) for number in (5, 4, 3)]
"""Of those that the migrations make, the ones before the horizon."""

PARTITIONS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'run'::regclass"
BATCH = """
    INSERT INTO run_batch (id, recorded_at, started_from, started_to, agent_ids, first_ids, last_ids)
    VALUES (1, now(), $1, $1, '{1}', '{1}', '{1}')"""
STALE = "INSERT INTO rollup_stale (tier, owner_id, starts_at) VALUES ($1, 1, $2)"
WAITS = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()"
WAITS_FOR_RUN = f"{WAITS} WHERE l.relation = 'run'::regclass AND NOT l.granted"
WAITS_FOR_TIERS = f"{WAITS} WHERE l.objid = {FOLD_LOCK % 2**32} AND NOT l.granted"

WAITS_FOR_ANYTHING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""


async def record(db: Database, *moments: datetime) -> None:
    """Runs that the tiers hold."""
    await db.execute(
        """
        INSERT INTO run (agent_id, id, started_at, project_id, version_id, status, cost_source, messages, recorded_at)
        SELECT 1, row_number() OVER (), moment, 1, 1, 2, 2, 1, now() FROM unnest($1::timestamptz[]) AS moment
        """,
        list(moments),
    )


async def kept(db: Database) -> list[datetime]:
    return [row["started_at"] for row in await db.fetch("SELECT started_at FROM run ORDER BY started_at")]


async def partitions(db: Database) -> set[str]:
    return {row["name"] for row in await db.fetch(PARTITIONS)}


async def hold(db: Database, condition: str) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(10):
        while not await db.fetchval(condition):
            continue


async def horizon(db: Database) -> datetime:
    moment = await db.fetchval("SELECT runs_since FROM run_horizon")
    assert isinstance(moment, datetime)
    return moment


async def test_whole_weeks_before_the_horizon_go_and_no_others(db: Database) -> None:
    before = await partitions(db)
    await record(db, HORIZON - timedelta(microseconds=1), HORIZON, NOW)
    assert await expire_runs(db, HORIZON) == OLD_PARTITIONS
    assert await partitions(db) == before - set(OLD_PARTITIONS)
    assert await kept(db) == [HORIZON, NOW]
    assert await horizon(db) == HORIZON


async def test_the_horizon_is_that_of_the_setting_in_whole_weeks(db: Database) -> None:
    await expire(db, NOW, runs_kept=NOW - HORIZON - DAY, aggregates_kept=400 * DAY)
    assert await horizon(db) == HORIZON
    assert OLD_PARTITIONS[-1] not in await partitions(db)


async def test_expiring_twice_is_the_same_as_once(db: Database, statements: list[str]) -> None:
    await record(db, HORIZON - WEEK, NOW - 60 * WEEK, NOW)
    await expire_runs(db, HORIZON)
    statements.clear()
    assert await expire_runs(db, HORIZON) == []
    assert await kept(db) == [NOW]
    assert not [statement for statement in statements if "LOCK" in statement]


async def test_two_may_do_so_at_once(dsn: str, settings: Settings, db: Database) -> None:
    before = await partitions(db)
    other = await Database.open(dsn, settings)
    try:
        assert await asyncio.gather(expire_runs(db, HORIZON), expire_runs(other, HORIZON)) == [OLD_PARTITIONS] * 2
    finally:
        await other.close()
    assert await partitions(db) == before - set(OLD_PARTITIONS)


async def test_the_horizon_never_goes_back(db: Database) -> None:
    await expire_runs(db, HORIZON)
    await record(db, HORIZON - 10 * WEEK)
    await expire_runs(db, HORIZON - 2 * WEEK)
    assert await horizon(db) == HORIZON


async def test_runs_that_came_too_late_for_a_partition_go_too(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 3)
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    far_ahead = NOW + 50 * WEEK
    await record(db, *[long_ago + number * DAY for number in range(6)], *[long_ago] * 5, NOW, far_ahead)
    await expire_runs(db, HORIZON)
    assert await kept(db) == [NOW, far_ahead]


async def test_a_week_with_a_batch_that_is_not_folded_is_left_for_the_next_time(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    unfolded = HORIZON - 2 * WEEK
    await record(db, HORIZON - 3 * WEEK, unfolded)
    await db.execute(BATCH, unfolded)
    assert await expire_runs(db, HORIZON) == OLD_PARTITIONS[:1]
    assert await kept(db) == [unfolded]
    assert await horizon(db) == unfolded
    assert "some are still to be folded" in caplog.text
    await db.execute("DELETE FROM run_batch")
    assert await expire_runs(db, HORIZON) == OLD_PARTITIONS[1:]


async def test_a_week_with_an_hour_that_is_to_be_made_anew_is_left_for_the_next_time(db: Database) -> None:
    await db.execute(STALE, Tier.HOUR, HORIZON - timedelta(hours=1))
    assert await expire_runs(db, HORIZON) == OLD_PARTITIONS[:2]
    await db.execute("DELETE FROM rollup_stale")
    await db.execute(STALE, Tier.HOUR, HORIZON)
    await db.execute(STALE, Tier.DAY, HORIZON - DAY)
    assert await expire_runs(db, HORIZON) == OLD_PARTITIONS[2:]


async def test_late_runs_that_are_not_folded_are_left_for_the_next_time(db: Database) -> None:
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    await record(db, long_ago)
    await db.execute(BATCH, long_ago)
    assert await expire_runs(db, HORIZON) == []
    assert await kept(db) == [long_ago]
    assert await horizon(db) < HORIZON


async def test_a_batch_that_is_being_written_is_waited_for_and_kept(db: Database) -> None:
    async with db.transaction() as writer:
        started_at = HORIZON - 2 * WEEK - timedelta(hours=1)
        await writer.execute(
            """
            INSERT INTO run (agent_id, id, started_at, project_id, version_id, status, cost_source, messages,
                recorded_at) VALUES (1, 1, $1, 1, 1, 2, 2, 1, now())
            """,
            started_at,
        )
        await writer.execute(BATCH, started_at)
        expiring = asyncio.create_task(expire_runs(db, HORIZON))
        await hold(db, WAITS_FOR_RUN)
    assert await expiring == []
    assert await kept(db) == [started_at]


async def test_who_corrects_runs_and_who_drops_late_ones_do_not_wait_for_each_other(db: Database) -> None:
    await expire_runs(db, HORIZON)
    await record(db, HORIZON - 10 * WEEK, NOW)
    async with db.transaction() as writer:
        assert await ledger.horizon(writer) == HORIZON
        expiring = asyncio.create_task(expire_runs(db, HORIZON))
        await hold(db, WAITS_FOR_ANYTHING)
        await writer.execute("UPDATE run SET messages = 2 WHERE started_at = $1", NOW)
    await expiring
    assert await kept(db) == [NOW]


async def test_the_horizon_stays_until_a_correction_is_written(db: Database) -> None:
    before = await horizon(db)
    async with db.transaction() as writer:
        assert await ledger.horizon(writer) == before
        expiring = asyncio.create_task(expire_runs(db, HORIZON))
        await hold(db, WAITS_FOR_ANYTHING)
        assert await horizon(db) == before
    await expiring
    assert await horizon(db) == HORIZON


async def test_runs_in_use_for_too_long_are_left_for_the_next_time(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LOCK_TIMEOUT", "50ms")
    async with db.transaction() as reader:
        await reader.fetch("SELECT id FROM run")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await expire_runs(db, HORIZON)
    assert await expire_runs(db, HORIZON) == OLD_PARTITIONS


async def test_retention_waits_for_whoever_changes_the_tiers(dsn: str, settings: Settings, db: Database) -> None:
    other = await Database.open(dsn, settings)
    async with fold_transaction(other):
        expiring = asyncio.create_task(expire_runs(db, HORIZON))
        await hold(db, WAITS_FOR_TIERS)
        assert OLD_PARTITIONS[0] in await partitions(db)
    assert await expiring == OLD_PARTITIONS
    await other.close()


async def test_in_one_process_they_wait_without_a_connection(dsn: str, settings: Settings) -> None:
    few = await Database.open(dsn, settings.model_copy(update={"pool_size": 2, "pool_timeout": 1.0}))
    async with fold_transaction(few):
        expiring = [asyncio.create_task(expire_runs(few, HORIZON)) for _ in range(3)]
        for _ in range(20):
            assert not await few.fetchval(WAITS_FOR_TIERS)
        assert not any(task.done() for task in expiring)
    assert await asyncio.gather(*expiring) == [OLD_PARTITIONS] * 3
    await few.close()


async def test_a_run_that_was_dropped_and_is_sent_again_is_not_recorded_twice(db: Database) -> None:
    recorder, sent = Recorder(db), RunInput(agent="a", external_id="x", started_at=HORIZON - timedelta(hours=1))
    await recorder.record([sent])
    await db.execute("DELETE FROM run_batch")
    await expire(db, NOW, runs_kept=NOW - HORIZON, aggregates_kept=400 * DAY)
    assert await kept(db) == []
    again = await recorder.record([sent])
    assert (again.recorded, again.unchanged) == (0, 1)
    assert await kept(db) == []


async def test_keys_go_with_the_cells_that_counted_their_runs(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "SLICE", 3)
    cutoff = NOW - 400 * DAY
    add = "INSERT INTO run_key (agent_id, external_id, run_id, started_at) SELECT $1, g, 1, $2 FROM generate_series"
    await db.execute(add + "(1, 10) g", 1, cutoff - timedelta(seconds=1))
    await db.execute(add + "(1, 2) g", 2, cutoff)
    await expire_keys(db, cutoff)
    assert [row["agent_id"] for row in await db.fetch("SELECT agent_id FROM run_key")] == [2, 2]


async def test_old_keys_are_found_without_reading_them_all(db: Database) -> None:
    await db.execute(
        """
        INSERT INTO run_key (agent_id, external_id, run_id, started_at)
        SELECT g % 50, g::text, g, now() - interval '401 days' * (1 - g / 100000.0) FROM generate_series(1, 100000) g
        """
    )
    await db.execute("VACUUM ANALYZE run_key")
    rows = await db.fetch_planned("EXPLAIN " + retention.EXPIRE_KEYS, NOW - 400 * DAY, 10_000)
    assert "run_key_started_at_idx" in " ".join(row[0] for row in rows)


async def test_old_cells_go_from_every_tier_and_others_stay(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "OWNER_SLICE", 2)
    cutoff = THIS_WEEK - 400 * DAY
    moments = [cutoff - number * DAY - timedelta(hours=1) for number in (0, 1, 30)] + [cutoff, THIS_WEEK]
    owners = await add_owners(db)
    tables = [(owner, table) for owner, tables in retention.CELLS.items() for table in tables]
    for owner, table in tables:
        await fill(db, table, f"{owner}_id", owners[owner], moments)
    await expire_cells(db, cutoff)
    for owner, table in tables:
        left = await db.fetch(f"SELECT {owner}_id AS owner, starts_at FROM {table} ORDER BY 1, 2")
        assert [tuple(row) for row in left] == [(key, at) for key in owners[owner] for at in (cutoff, THIS_WEEK)]


async def add_owners(db: Database) -> dict[str, list[int]]:
    projects = await db.fetch("INSERT INTO project (slug, name) VALUES ('a', ''), ('b', '') RETURNING id")
    agents = await db.fetch(
        "INSERT INTO agent (project_id, name) SELECT 1, g::text FROM generate_series(1, 5) g RETURNING id"
    )
    return {"agent": [row["id"] for row in agents], "project": [row["id"] for row in projects]}


async def fill(db: Database, table: str, owner: str, owners: list[int], moments: list[datetime]) -> None:
    """A row of zeros and empty texts for each owner and moment."""
    columns = await db.fetch(
        """
        SELECT attname, CASE WHEN atttypid = 'text'::regtype THEN '''''' WHEN atttypid = 'timestamptz'::regtype
            THEN 'now()' WHEN atttypid = 'boolean'::regtype THEN 'false' ELSE '0' END AS value
        FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND attnotnull AND attidentity = ''
            AND attname <> ALL ($2::text[])
        """,
        table,
        [owner, "starts_at"],
    )
    names = ", ".join(row["attname"] for row in columns)
    values = ", ".join(row["value"] for row in columns)
    await db.execute(
        f"INSERT INTO {table} ({owner}, starts_at, {names}) SELECT o, m, {values} "
        "FROM unnest($1::bigint[]) o, unnest($2::timestamptz[]) m",
        owners,
        moments,
    )
