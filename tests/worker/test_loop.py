"""Loops do their job at once and again, survive its errors, and tell how it went."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from formicary.db import Database
from formicary.worker import Every, Job, Journal, LastRun, Leader, Loop, Midnight, Sparing
from formicary.worker import failures as failures_module

from .deed import Deed

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
NOTES = "SELECT * FROM background_job"


def loop_of(deed: Deed, seconds: float = 60) -> Loop:
    return Loop(Job("printing", deed, Every(seconds)))


@dataclass(frozen=True, slots=True)
class AskedMidnight(Midnight):
    """Lets a test wait until a loop has asked how long it may sleep."""

    asleep: asyncio.Event = field(default_factory=asyncio.Event)

    def seconds_left(self, last: LastRun, *, now: datetime, elapsed: float | None) -> float:
        seconds = Midnight.seconds_left(self, last, now=now, elapsed=elapsed)
        if seconds > 0:
            self.asleep.set()
        return seconds


async def run_until_asleep(deed: Deed, db: Database, leader: Leader, now: datetime) -> None:
    pace = AskedMidnight()
    loop = Loop(Job("daily", deed, pace), leader=leader, journal=Journal(db), now=lambda: now)
    loop.start()
    async with asyncio.timeout(5):
        await pace.asleep.wait()
    await loop.stop()


async def elected(db: Database) -> Leader:
    leader = Leader(db)
    await leader.renew()
    return leader


async def test_a_loop_runs_at_once_and_again_until_it_is_stopped() -> None:
    deed = Deed()
    loop = loop_of(deed, seconds=0.001)
    loop.start()
    await deed.has_run(3)
    await loop.stop()
    runs = deed.runs
    await asyncio.sleep(0)
    assert deed.runs == runs


async def test_starting_and_stopping_twice_is_the_same_as_once() -> None:
    deed = Deed()
    loop = loop_of(deed)
    loop.start()
    loop.start()
    await deed.has_run(1)
    await loop.stop()
    await loop.stop()
    assert deed.runs == 1


async def test_a_job_that_has_more_to_do_runs_again_at_once() -> None:
    deed = Deed(more=3)
    loop = loop_of(deed, seconds=3600)
    loop.start()
    await deed.has_run(4)
    await loop.stop()
    assert deed.runs == 4


async def test_an_error_is_logged_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    deed = Deed(ValueError("out of paper"))
    loop = loop_of(deed, seconds=0)
    loop.start()
    await deed.has_run(2)
    await loop.stop()
    assert loop.last is not None
    assert loop.last.error == "ValueError: out of paper"
    assert caplog.records[0].getMessage() == "printing failed"
    assert caplog.records[0].levelno == logging.ERROR
    assert caplog.records[0].exc_info is not None


async def test_the_same_error_is_logged_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    deed = Deed()
    loop = loop_of(deed)
    for milliseconds in range(5):
        deed.error = ValueError(f"out of paper after {milliseconds} ms")
        await loop.run_once()
    assert len(caplog.records) == 1
    deed.error = ValueError("no ink")
    await loop.run_once()
    assert len(caplog.records) == 2
    monkeypatch.setattr(failures_module, "SILENCE_SECONDS", 0.0)
    await loop.run_once()
    assert len(caplog.records) == 3


async def test_a_loop_tells_when_it_ran_last_and_for_how_long() -> None:
    loop = loop_of(Deed())
    assert loop.last is None
    before = datetime.now(UTC)
    await loop.run_once()
    assert loop.last is not None
    assert before <= loop.last.started_at <= datetime.now(UTC)
    assert loop.last.duration_ms is not None
    assert loop.last.error is None


async def test_stopping_interrupts_a_job_that_hangs() -> None:
    began = asyncio.Event()

    async def hang() -> None:
        began.set()
        await asyncio.Event().wait()

    loop = Loop(Job("hanging", hang, Every(60)))
    loop.start()
    await began.wait()
    async with asyncio.timeout(5):
        await loop.stop()


async def test_only_the_leader_works(db: Database) -> None:
    deed, leader, other = Deed(), await elected(db), Leader(db)
    await other.renew()
    assert not await Loop(Job("count", deed, Every(1)), leader=other).run_once()
    assert deed.runs == 0
    await Loop(Job("count", deed, Every(1)), leader=leader).run_once()
    assert deed.runs == 1


async def test_a_loop_begins_when_its_process_is_elected(db: Database) -> None:
    deed, leader = Deed(), Leader(db)
    loop = Loop(Job("count", deed, Every(60)), leader=leader, journal=Journal(db))
    loop.start()
    await asyncio.sleep(0)
    assert deed.runs == 0
    await leader.renew()
    await deed.has_run(1)
    await loop.stop()


async def test_who_takes_the_work_up_again_does_it_at_once(db: Database) -> None:
    deed, leader = Deed(), await elected(db)
    loop = Loop(Job("count", deed, Every(3600)), leader=leader, journal=Journal(db))
    await loop.run_once()
    loop.start()
    await deed.has_run(2)
    await loop.stop()


async def test_how_a_run_went_is_noted(db: Database) -> None:
    deed, leader = Deed(ValueError("postgresql://me:geheim@db/x " + "long " * 200)), await elected(db)
    loop = Loop(Job("count", deed, Every(60)), leader=leader, journal=Journal(db), now=lambda: NOON)
    await loop.run_once()
    note = await db.fetchrow(NOTES)
    assert note is not None
    assert (note["name"], note["last_started_at"]) == ("count", NOON)
    assert note["last_finished_at"] == NOON + timedelta(milliseconds=note["last_duration_ms"])
    assert note["next_at"] == NOON + timedelta(seconds=60)
    assert note["last_error"].startswith("ValueError: postgresql://me:***@db/x long")
    assert len(note["last_error"]) == 500
    deed.error = None
    await loop.run_once()
    assert await db.fetchval("SELECT last_error IS NULL FROM background_job")


async def test_the_error_kept_does_not_hold_the_values_of_rows(db: Database) -> None:
    async def collide() -> None:
        await db.execute("INSERT INTO project (slug, name) VALUES ('default', 'secret')")

    loop = Loop(Job("count", collide, Every(60)), journal=Journal(db))
    await loop.run_once()
    assert (await db.fetchval("SELECT last_error FROM background_job")) == (
        'UniqueViolationError: duplicate key value violates unique constraint "project_slug_key"'
    )


async def test_a_rare_job_can_be_seen_at_work(db: Database) -> None:
    seen: list[LastRun | None] = []
    journal = Journal(db)

    async def look() -> None:
        seen.append(await journal.last("look"))

    loop = Loop(Job("look", look, Every(3600)), journal=journal, now=lambda: NOON)
    await loop.run_once()
    assert seen == [LastRun(NOON, None, None)]


async def test_many_quick_runs_are_noted_less_often(db: Database, statements: list[str]) -> None:
    loop = Loop(Job("count", Deed(), Every(1)), journal=Journal(db))
    for _ in range(5):
        await loop.run_once()
    assert len(statements) == 1


async def test_a_daily_job_runs_once_a_day_whoever_runs_it(db: Database) -> None:
    deed, leader = Deed(), await elected(db)
    await run_until_asleep(deed, db, leader, NOON)
    assert deed.runs == 1
    assert await db.fetchval("SELECT next_at FROM background_job") == NOON + timedelta(hours=12)
    await run_until_asleep(deed, db, leader, NOON + timedelta(hours=11))
    assert deed.runs == 1


async def test_a_missed_midnight_is_caught_up_at_the_next_start(db: Database) -> None:
    deed, leader = Deed(), await elected(db)
    await Journal(db).end("daily", LastRun(NOON, 5, None), NOON + timedelta(hours=12))
    await run_until_asleep(deed, db, leader, NOON + timedelta(days=3))
    assert deed.runs == 1


@pytest.mark.parametrize("last", [LastRun(NOON, 5, "ValueError: x"), LastRun(NOON, None, None)])
def test_a_daily_job_that_failed_or_was_killed_is_tried_again_soon(last: LastRun) -> None:
    assert Midnight().next_at(last) == NOON + timedelta(minutes=5)


def test_midnight_is_that_of_utc() -> None:
    east = datetime.fromisoformat("2026-03-03T01:00:00+03:00")
    assert Midnight().next_at(LastRun(east, 1, None)) == datetime(2026, 3, 3, tzinfo=UTC)


def test_a_moment_before_midnight_is_too_early() -> None:
    last = LastRun(NOON, 1, None)
    assert Midnight().seconds_left(last, now=datetime(2026, 3, 3, 23, 59, 59, 999_000, UTC), elapsed=9e9) > 0
    assert Midnight().seconds_left(last, now=datetime(2026, 3, 4, tzinfo=UTC), elapsed=0) <= 0


def test_an_interval_counts_from_start_to_start_and_by_no_wall_clock() -> None:
    last = LastRun(NOON, 1, None)
    assert Every(10).seconds_left(last, now=NOON - timedelta(days=1), elapsed=4) == 6
    assert Every(10).seconds_left(last, now=NOON, elapsed=None) == 0


@pytest.mark.parametrize(("took_ms", "seconds"), [(None, 5), (0, 5), (500, 5), (2_000, 20), (60_000, 600)])
def test_a_sparing_pace_takes_a_share_of_the_time_however_long_a_run_takes(took_ms: int | None, seconds: int) -> None:
    pace, last = Sparing(5, share=0.1), LastRun(NOON, took_ms, None)
    assert pace.next_at(last) == NOON + timedelta(seconds=seconds)
    assert pace.seconds_left(last, now=NOON, elapsed=2) == seconds - 2
    assert pace.seconds_left(last, now=NOON, elapsed=None) == 0
