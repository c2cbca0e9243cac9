"""Ends of ranges that cut an hour: read from minutes of projects where these are held, from the runs elsewhere."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models.run import RunStatus
from formicary.resolvers.question import Dimension, Question, Source, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import HOUR, Bucket, floor
from formicary.rollups import roll as rolling
from formicary.rollups.aggregate import settle
from formicary.rollups.fold import fold
from formicary.rollups.recompute import recompute
from formicary.rollups.roll import MINUTES_KEPT

from ..ingest.factories import NOW, run_input
from .test_figures import assert_runs_say_so

START = floor(NOW, HOUR) - 6 * HOUR
CUT = ResolvedRange(START + timedelta(minutes=20, seconds=30), START + 3 * HOUR + timedelta(minutes=40, seconds=30))
"""Both of its ends cut a minute too."""

SECONDS = (0, 1_199, 1_200, 1_229, 1_230, 1_259, 1_260, 3_599, 3_600, 7_200, 13_199, 13_200, 13_229, 13_230, 13_260)
"""Of runs after the start: before, at and behind all that the range cuts."""


async def record(db: Database, *seconds: int, status: str = "SUCCEEDED", **fields: Any) -> None:
    """Runs after the start, by turns of two projects."""
    runs = []
    for number, at in enumerate(seconds):
        own: dict[str, Any] = {
            "externalId": str(at),
            "startedAt": (START + timedelta(seconds=at)).isoformat(),
            "durationMs": 100 + at,
        }
        facts: dict[str, Any] = {"project": ("p", "q")[number % 2], "inputTokens": at, "cost": "0.25"}
        runs.append(run_input(status=status, **(own | facts | fields)))
    assert not (await Recorder(db).record(runs, None)).rejected


DURATIONS = Wants(durations=True)
EVERYTHING = Wants(durations=True, people=True)
QUESTIONS = [
    Question(CUT, wants=DURATIONS),
    Question(CUT, RunFilter(status=(RunStatus.SUCCEEDED,)), wants=DURATIONS),
    Question(CUT, by=Dimension.PROJECT, bucket=Bucket.HOUR, wants=DURATIONS),
    Question(CUT, by=Dimension.STATUS, wants=DURATIONS),
]


async def assert_all_say_so(db: Database, statements: list[str], *, from_minutes: bool) -> None:
    """Both ends of each question are read from minutes, or none."""
    for question in QUESTIONS:
        await assert_runs_say_so(db, question, (Source.AUTO, Source.REALTIME))
        statements.clear()
        await assert_runs_say_so(db, question, (Source.AUTO,))
        assert sum(text.count("project_minute c") for text in statements) == 2 * from_minutes


async def late(db: Database) -> None:
    await record(db, 1_245, 2_000)


async def folded(db: Database) -> None:
    await late(db)
    await fold(db)


async def late_at_the_full_hour(db: Database) -> None:
    await record(db, 10_800)


async def finished(db: Database) -> None:
    await record(db, 1_300, 13_100)


async def corrected(db: Database) -> None:
    await record(db, *SECONDS[4:8], status="FAILED", durationMs=7)


async def moved(db: Database) -> None:
    """From the hour of one end to that of the other."""
    await record(db, 1_260, startedAt=(START + timedelta(seconds=13_000)).isoformat())


async def recomputed(db: Database) -> None:
    await corrected(db)
    await fold(db)
    await recompute(db)


CHANGES = [late, late_at_the_full_hour, folded, finished, corrected, moved, recomputed]


@pytest.mark.parametrize("change", CHANGES)
async def test_what_changes_an_hour_is_seen_at_once(
    db: Database, statements: list[str], change: Callable[[Database], Awaitable[None]]
) -> None:
    await record(db, *SECONDS)
    await record(db, 1_300, 13_100, status="RUNNING", durationMs=None)
    await assert_all_say_so(db, statements, from_minutes=False)
    await settle(db, NOW)
    await assert_all_say_so(db, statements, from_minutes=True)
    await change(db)
    sources = tuple(Source) if change is recomputed else (Source.AUTO, Source.REALTIME)
    for question in QUESTIONS:
        await assert_runs_say_so(db, question, sources)
    await settle(db, NOW)
    await assert_all_say_so(db, statements, from_minutes=True)


async def test_an_end_whose_hour_has_changed_is_read_from_the_runs_and_the_other_one_from_minutes(
    db: Database, statements: list[str]
) -> None:
    await record(db, *SECONDS)
    await settle(db, NOW)
    await record(db, 1_245)
    (question, *_) = QUESTIONS
    statements.clear()
    await assert_runs_say_so(db, question, (Source.AUTO,))
    assert sum(text.count("project_minute c") for text in statements) == 1


async def test_questions_of_agents_and_people_leave_minutes_alone(db: Database, statements: list[str]) -> None:
    await record(db, *SECONDS, userId="u")
    await settle(db, NOW)
    for question in (Question(CUT, by=Dimension.AGENT, wants=DURATIONS), Question(CUT, wants=EVERYTHING)):
        statements.clear()
        await assert_runs_say_so(db, question, tuple(Source))
        assert not any("project_minute" in text for text in statements)


async def test_of_an_hour_with_too_many_runs_there_are_no_minutes(
    db: Database, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    step = rolling.OF_PROJECT_HOURS
    make = [statement.replace(f"<= {rolling.MOST_RUNS_BY_MINUTE}", "<= 3") for statement in step.make]
    assert tuple(make) != step.make
    monkeypatch.setattr(rolling, "OF_PROJECT_HOURS", step._replace(make=tuple(make)))
    await record(db, *SECONDS)
    await settle(db, NOW)
    assert await db.fetchval("SELECT max(starts_at) < $1 FROM project_minute", START + 3 * HOUR) is False
    assert await db.fetchval("SELECT min(starts_at) >= $1 FROM project_minute", START + HOUR) is True
    for question in QUESTIONS:
        await assert_runs_say_so(db, question, (Source.AUTO,))


async def test_hours_that_a_server_without_minutes_has_made_are_read_from_the_runs(
    db: Database, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may still be at work while the next version has come."""
    await record(db, *SECONDS)
    await settle(db, NOW)
    await record(db, 2_000, 13_000)
    without = tuple(statement for statement in rolling.PROJECT_HOURS if "project_minute" not in statement)
    assert len(without) == len(rolling.PROJECT_HOURS) - 2
    monkeypatch.setattr(rolling, "OF_PROJECT_HOURS", rolling.OF_PROJECT_HOURS._replace(make=without))
    await settle(db, NOW)
    await assert_all_say_so(db, statements, from_minutes=False)


async def test_the_first_hour_of_which_minutes_are_kept_has_all_of_them(db: Database, statements: list[str]) -> None:
    await record(db, *SECONDS)
    await settle(db, NOW)
    await settle(db, START + MINUTES_KEPT)
    await assert_all_say_so(db, statements, from_minutes=True)
    first_half = ResolvedRange(START - 2 * HOUR, START + timedelta(minutes=30))
    await assert_runs_say_so(db, Question(first_half, wants=DURATIONS), (Source.AUTO,))
    await record(db, 2_000)
    await settle(db, START + MINUTES_KEPT + timedelta(minutes=59))
    assert await db.fetchval("SELECT minutes_since FROM run_horizon") == START
    await assert_all_say_so(db, statements, from_minutes=True)


async def test_minutes_are_let_go_when_they_are_old_and_not_made_of_what_is_older(
    db: Database, statements: list[str]
) -> None:
    await record(db, *SECONDS)
    await settle(db, NOW)
    later = NOW + MINUTES_KEPT
    await settle(db, later)
    assert await db.fetchval("SELECT count(*) FROM project_minute") == 0
    await assert_all_say_so(db, statements, from_minutes=False)
    await record(db, 2_000)
    await settle(db, later)
    assert await db.fetchval("SELECT count(*) FROM project_minute") == 0
    await assert_all_say_so(db, statements, from_minutes=False)
