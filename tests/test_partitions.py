"""Partitions are there before the runs are, and no run is lost where one was missing."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from formicary import partitions
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput
from formicary.partitions import ensure_partitions, monday_of, partition_name

NOW = datetime.now(UTC)
THIS_WEEK = monday_of(NOW)
LATER = NOW + timedelta(weeks=20)
"""A time by which all partitions of the migration are behind us."""


WAITS_FOR_DEFAULT = """
    SELECT count(*) FROM pg_locks
    WHERE relation = 'run_default'::regclass AND NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def names(start: datetime, weeks: int) -> list[str]:
    return [partition_name(monday_of(start) + timedelta(weeks=number)) for number in range(weeks)]


async def record(db: Database, *moments: datetime) -> None:
    await db.execute(
        """
        INSERT INTO run (agent_id, id, started_at, project_id, version_id, status, cost_source, messages, recorded_at)
        SELECT 1, row_number() OVER (), moment, 1, 1, 2, 2, 1, now() FROM unnest($1::timestamptz[]) AS moment
        """,
        list(moments),
    )


async def whereabouts(db: Database) -> dict[datetime, str]:
    return {
        row["started_at"]: row["at"]
        for row in await db.fetch("SELECT started_at, tableoid::regclass::text AS at FROM run")
    }


async def test_there_is_nothing_to_do_right_after_the_migration(db: Database) -> None:
    assert await ensure_partitions(db, NOW) == []


async def test_missing_weeks_are_made_ahead_of_need(db: Database) -> None:
    assert await ensure_partitions(db, NOW, weeks_ahead=6) == names(NOW + timedelta(weeks=5), 2)
    assert await ensure_partitions(db, LATER) == names(LATER, 5)
    assert await ensure_partitions(db, LATER) == []


async def test_a_week_runs_from_monday_to_monday_in_utc(db: Database) -> None:
    await ensure_partitions(db, LATER)
    monday = monday_of(LATER)
    moments = [monday, monday + timedelta(weeks=1, microseconds=-1), monday + timedelta(weeks=1)]
    await record(db, *moments)
    first, second = names(LATER, 2)
    assert await whereabouts(db) == dict(zip(moments, (first, first, second), strict=True))


async def test_runs_that_came_before_their_partition_move_into_it(db: Database) -> None:
    moments = [LATER, LATER + timedelta(weeks=1), LATER - timedelta(weeks=3), LATER - timedelta(weeks=10)]
    await record(db, *moments)
    assert set((await whereabouts(db)).values()) == {"run_default"}
    await ensure_partitions(db, LATER)
    assert await whereabouts(db) == {
        **{moment: partition_name(monday_of(moment)) for moment in moments[:3]},
        moments[3]: "run_default",
    }


async def test_old_runs_that_arrive_late_land_in_the_default_partition(db: Database) -> None:
    old = datetime(2001, 1, 1, tzinfo=UTC)
    await record(db, old)
    await ensure_partitions(db, NOW)
    assert await whereabouts(db) == {old: "run_default"}


async def test_several_processes_make_each_partition_once(db: Database) -> None:
    made = await asyncio.gather(*(ensure_partitions(db, LATER) for _ in range(4)))
    assert sorted(name for names in made for name in names) == names(LATER, 5)


async def test_a_new_partition_has_every_index_and_the_storage_of_the_others(db: Database) -> None:
    await ensure_partitions(db, LATER)
    new, old = partition_name(monday_of(LATER)), partition_name(THIS_WEEK)
    assert await shape(db, new) == await shape(db, old)


async def shape(db: Database, name: str) -> list[tuple[str, str, bool]]:
    """The indexes of a table without the names, whether each belongs to one of `run`, and the storage settings."""
    rows = await db.fetch(
        """
        SELECT replace(split_part(pg_get_indexdef(i.indexrelid), ' USING ', 2), $1, '') AS index,
            t.reloptions::text AS storage, x.relispartition AS attached
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid JOIN pg_class AS x ON x.oid = i.indexrelid
        WHERE t.relname = $1
        """,
        name,
    )
    return sorted((row["index"], row["storage"], row["attached"]) for row in rows)


async def test_a_busy_table_is_left_for_the_next_time(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "LOCK_TIMEOUT", "50ms")
    async with db.transaction() as reader:
        await reader.fetch("SELECT FROM run_default")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await ensure_partitions(db, LATER)
    assert await ensure_partitions(db, LATER) == names(LATER, 5)


async def test_a_run_is_recorded_while_its_partition_is_made(db: Database) -> None:
    moment = NOW - timedelta(weeks=1)
    name = partition_name(monday_of(moment))
    await db.execute(f"DROP TABLE {name}")
    async with db.transaction() as connection:
        await connection.execute("LOCK TABLE run_default IN ACCESS EXCLUSIVE MODE")
        recording = asyncio.create_task(Recorder(db).record([RunInput(agent="a", started_at=moment)]))
        while not await db.fetchval(WAITS_FOR_DEFAULT):
            pass
        assert await partitions._make_partition(connection, monday_of(moment))
    assert (await recording).recorded == 1
    assert await whereabouts(db) == {moment: name}
