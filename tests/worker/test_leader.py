"""One process leads at a time; another takes over when it stops, dies or loses the database."""

import asyncio
from pathlib import Path

import pytest

import formicary_migrations
from formicary.config import Settings
from formicary.db import Database
from formicary.embedded import EmbeddedPostgres
from formicary.errors import OverloadedError, UnavailableError
from formicary.worker import Leader

LEASE = "SELECT elected_at, expires_at FROM leader"
EXPIRE = "UPDATE leader SET expires_at = now() - interval '1 second'"


async def test_of_many_that_stand_one_is_elected(db: Database) -> None:
    leaders = [Leader(db) for _ in range(8)]
    await asyncio.gather(*(leader.renew() for leader in leaders))
    [elected] = [leader for leader in leaders if leader.leads]
    assert await db.fetchval("SELECT holder FROM leader WHERE name = 'worker'") == elected.holder


async def test_who_leads_goes_on_leading(db: Database) -> None:
    first, second = Leader(db), Leader(db)
    await first.renew()
    [before] = await db.fetch(LEASE)
    await second.renew()
    await first.renew()
    [after] = await db.fetch(LEASE)
    assert (first.leads, second.leads) == (True, False)
    assert after["elected_at"] == before["elected_at"]
    assert after["expires_at"] > before["expires_at"]


async def test_an_expired_lease_is_taken_over(db: Database) -> None:
    first, second = Leader(db), Leader(db)
    await first.renew()
    await db.execute(EXPIRE)
    await second.renew()
    await first.renew()
    assert (first.leads, second.leads) == (False, True)


async def test_of_many_one_takes_over_an_expired_lease(db: Database) -> None:
    await Leader(db).renew()
    await db.execute(EXPIRE)
    leaders = [Leader(db) for _ in range(8)]
    await asyncio.gather(*(leader.renew() for leader in leaders))
    assert sum(leader.leads for leader in leaders) == 1


async def test_who_does_not_renew_stops_leading_by_itself(db: Database) -> None:
    leader = Leader(db, lease=0.0)
    await leader.renew()
    assert not leader.leads


async def test_who_resigns_is_followed_at_once(db: Database) -> None:
    first, second = Leader(db), Leader(db)
    await first.renew()
    await first.resign()
    await second.renew()
    assert (first.leads, second.leads) == (False, True)


async def test_who_does_not_lead_takes_nothing_by_resigning(db: Database) -> None:
    first, second = Leader(db), Leader(db)
    await first.renew()
    await second.resign()
    await second.renew()
    assert (first.leads, second.leads) == (True, False)


async def test_the_wait_ends_with_the_election(db: Database) -> None:
    leader = Leader(db)
    waiting = asyncio.create_task(leader.elected())
    await asyncio.sleep(0)
    assert not waiting.done()
    await leader.renew()
    async with asyncio.timeout(5):
        await waiting


async def test_who_loses_the_database_does_not_lead_until_it_is_back(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, fsync=False) as server:
        await formicary_migrations.upgrade(server.dsn)
        db = await Database.open(server.dsn, Settings(data_dir=tmp_path))
        leader = Leader(db)
        await leader.renew()
        await asyncio.to_thread(server.stop)
        with pytest.raises(UnavailableError):
            await leader.renew()
        assert not leader.leads
        await asyncio.to_thread(server.start)
        await leader.renew()
        assert leader.leads
        await db.close()


async def test_who_only_waits_for_a_connection_leads_until_the_lease_ends(dsn: str, settings: Settings) -> None:
    db = await Database.open(dsn, settings.model_copy(update={"pool_size": 1, "pool_timeout": 0.01}))
    leader = Leader(db)
    await leader.renew()
    async with db.connection():
        with pytest.raises(OverloadedError):
            await leader.renew()
    assert leader.leads
    await db.close()
