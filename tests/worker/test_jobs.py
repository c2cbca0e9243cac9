"""The jobs there are do what they are for."""

import asyncio
from datetime import UTC, datetime, timedelta

from formicary.config import Settings
from formicary.db import Database
from formicary.partitions import monday_of, partition_name
from formicary.worker import NAMES, Job, at_work, jobs
from formicary.worker.jobs import CONNECTIONS


def job(db: Database, settings: Settings, name: str) -> Job:
    return next(job for job in jobs(db, settings) if job.name == name)


def test_no_two_jobs_have_one_name() -> None:
    assert len(set(NAMES)) == len(NAMES)


async def test_a_server_keeps_its_partitions(db: Database, settings: Settings) -> None:
    this_week = partition_name(monday_of(datetime.now(UTC)))
    await db.execute(f"DROP TABLE {this_week}")
    await job(db, settings, "partition upkeep").work()
    assert await db.fetchval("SELECT to_regclass($1)::text", this_week) == this_week


async def test_retention_goes_by_the_settings(db: Database, settings: Settings) -> None:
    oldest = await db.fetchval("SELECT min(relname) FROM pg_class WHERE relname ~ '^run_[0-9]+$'")
    await job(db, settings.model_copy(update={"runs_kept": 365}), "retention").work()
    assert await db.fetchval("SELECT to_regclass($1)", oldest) is not None
    await job(db, settings.model_copy(update={"runs_kept": 1}), "retention").work()
    assert await db.fetchval("SELECT to_regclass($1)", oldest) is None
    horizon = monday_of(datetime.now(UTC) - timedelta(days=1))
    assert await db.fetchval("SELECT runs_since FROM run_horizon") == horizon


async def test_every_job_is_done_while_at_work_and_the_lease_given_up_after(db: Database, settings: Settings) -> None:
    done = "SELECT array_agg(name) FROM background_job WHERE last_finished_at IS NOT NULL AND last_error IS NULL"
    async with asyncio.timeout(20), at_work(db, jobs(db, settings)):
        while set(await db.fetchval(done) or ()) != set(NAMES):
            continue
        assert await db.fetchval("SELECT expires_at > now() FROM leader")
        others = 3  # the election's, the journal's and ours
        assert db.pool_use.size <= CONNECTIONS + others
    assert await db.fetchval("SELECT expires_at <= now() FROM leader")
