"""Loops do their job at once and again, survive its errors, and tell how it went."""

import asyncio
import logging
from datetime import UTC, datetime

import pytest

from formicary.db import Database
from formicary.partitions import monday_of, partition_name
from formicary.worker import Loop, loops


class Job:
    """Counts its runs, and lets a test wait for a number of them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self._error = error
        self._ran = asyncio.Condition()

    async def __call__(self) -> None:
        self.runs += 1
        async with self._ran:
            self._ran.notify_all()
        if self._error:
            raise self._error

    async def has_run(self, times: int) -> None:
        async with self._ran, asyncio.timeout(5):
            await self._ran.wait_for(lambda: self.runs >= times)


async def test_a_loop_runs_at_once_and_again_until_it_is_stopped() -> None:
    job = Job()
    loop = Loop(job, name="count", every=0.001)
    loop.start()
    await job.has_run(3)
    await loop.stop()
    runs = job.runs
    await asyncio.sleep(0)
    assert job.runs == runs


async def test_starting_and_stopping_twice_is_the_same_as_once() -> None:
    job = Job()
    loop = Loop(job, name="count", every=60)
    loop.start()
    loop.start()
    await job.has_run(1)
    await loop.stop()
    await loop.stop()
    assert job.runs == 1


async def test_an_error_is_logged_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    job = Job(ValueError("out of paper"))
    loop = Loop(job, name="printing", every=0)
    loop.start()
    await job.has_run(2)
    await loop.stop()
    assert loop.last is not None
    assert loop.last.error == "ValueError: out of paper"
    assert [record.getMessage() for record in caplog.records][:1] == ["printing failed"]
    assert caplog.records[0].levelno == logging.ERROR


async def test_a_loop_tells_when_it_ran_last_and_for_how_long() -> None:
    loop = Loop(Job(), name="count", every=60)
    assert loop.last is None
    before = datetime.now(UTC)
    await loop.run_once()
    assert loop.last is not None
    assert before <= loop.last.started_at <= datetime.now(UTC)
    assert loop.last.duration_ms < 1000
    assert loop.last.error is None


async def test_stopping_interrupts_a_job_that_hangs() -> None:
    began = asyncio.Event()

    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    loop = Loop(hang, name="hanging", every=60)
    loop.start()
    await began.wait()
    async with asyncio.timeout(5):
        await loop.stop()


async def test_a_server_keeps_its_partitions(db: Database) -> None:
    this_week = partition_name(monday_of(datetime.now(UTC)))
    await db.execute(f"DROP TABLE {this_week}")
    [upkeep] = loops(db)
    await upkeep.run_once()
    assert upkeep.last is not None
    assert upkeep.last.error is None
    assert await db.fetchval("SELECT to_regclass($1)::text", this_week) == this_week
