"""What the first migration sets up beside the tables."""

from datetime import UTC, datetime, timedelta

from formicary.db import Database


async def test_runs_are_partitioned_by_week_from_monday_to_monday(db: Database) -> None:
    bounds = {
        row["name"]: row["bounds"]
        for row in await db.fetch(
            """
            SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
            FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid WHERE inhparent = 'run'::regclass
            """
        )
    }
    now = datetime.now(UTC)
    monday = now - timedelta(days=now.weekday())
    names = {f"run_{monday + timedelta(weeks=week):%Y%m%d}" for week in range(-5, 5)}
    assert set(bounds) == {*names, "run_default"}
    until = monday + timedelta(weeks=1)
    assert bounds[f"run_{monday:%Y%m%d}"] == (
        f"FOR VALUES FROM ('{monday:%Y-%m-%d} 00:00:00+00') TO ('{until:%Y-%m-%d} 00:00:00+00')"
    )


async def test_run_ids_are_taken_in_blocks_of_a_thousand(db: Database) -> None:
    taken = [await db.fetchval("SELECT nextval('run_id_seq')") for _ in range(3)]
    assert taken == [1, 1001, 2001]


async def test_tables_updated_by_every_batch_keep_room_for_that(db: Database) -> None:
    rows = await db.fetch("SELECT relname, reloptions FROM pg_class WHERE relname IN ('agent_state', 'version_state')")
    assert len(rows) == 2
    assert all("fillfactor=50" in row["reloptions"] for row in rows)
