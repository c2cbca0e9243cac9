"""A little is folded at once, much is gathered for some seconds."""

from datetime import timedelta

import pytest

from formicary.db import Database
from formicary.rollups.due import FEW_PLACES, PATIENCE_SECONDS, fold_if_due
from formicary.rollups.fold import lag

BATCH = """
    INSERT INTO run_batch (id, recorded_at, started_from, started_to, agent_ids, first_ids, last_ids)
    SELECT $1, now() - $3::interval, now(), now(), array_agg(n), array_agg(n), array_agg(n)
    FROM generate_series(1, $2::bigint) AS n"""


async def batch(db: Database, number: int, places: int, age: float = 0.5) -> None:
    await db.execute(BATCH, number, places, timedelta(seconds=age))


async def waiting(db: Database) -> int:
    await fold_if_due(db)
    return (await lag(db)).batches


async def test_nothing_is_never_due(db: Database) -> None:
    assert not await fold_if_due(db)


async def test_little_is_folded_at_once(db: Database) -> None:
    await batch(db, 1, FEW_PLACES // 2)
    await batch(db, 2, FEW_PLACES // 2 - 1)
    assert await waiting(db) == 0


async def test_much_is_gathered(db: Database) -> None:
    await batch(db, 1, FEW_PLACES // 2)
    await batch(db, 2, FEW_PLACES // 2)
    assert await waiting(db) == 2


@pytest.mark.parametrize("age", [PATIENCE_SECONDS + 0.5, -60], ids=["waited", "ahead of the clock"])
async def test_much_is_folded_with_what_came_later_once_the_oldest_has(db: Database, age: float) -> None:
    await batch(db, 1, FEW_PLACES, age)
    await batch(db, 2, FEW_PLACES)
    assert await waiting(db) == 0
