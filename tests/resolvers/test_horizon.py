"""What can be told of the time from which the runs have been dropped, and what is refused rather than made up."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.resolvers.figures import read
from formicary.resolvers.question import Question, Source, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.reading import HorizonError
from formicary.resolvers.run_filter import RunFilter
from formicary.rollups.aggregate import settle
from formicary.rollups.histogram import MOST, bucket_of, pack
from formicary.rollups.retention import expire_cells, expire_runs

from ..ingest.factories import NOW, ago, run_input
from .oracle import week

HOUR = timedelta(hours=1)
LONG_AGO = week(NOW) - timedelta(days=10) + timedelta(minutes=30)
BY_USER = RunFilter(user=("u",))


@pytest.fixture
async def dropped(db: Database) -> Database:
    """One run of long ago, folded and dropped, and one of now."""
    runs = [run_input(startedAt=at.isoformat(), durationMs=700, userId="u") for at in (LONG_AGO, ago(60))]
    await Recorder(db).record(runs, None)
    await settle(db, NOW)
    await expire_runs(db, week(NOW))
    assert await db.fetchval("SELECT count(*) FROM run") == 1
    return db


def minutes_of(at: datetime) -> ResolvedRange:
    return ResolvedRange(at - timedelta(minutes=5), at + timedelta(minutes=5))


async def test_a_part_of_a_dropped_hour_is_answered_by_the_hour(dropped: Database) -> None:
    found = await read(dropped, None, Question(minutes_of(LONG_AGO)))
    hour = LONG_AGO.replace(minute=0)
    assert found.range == ResolvedRange(hour, hour + HOUR)
    assert found.metrics().runs == 1


async def test_a_part_of_a_dropped_hour_that_takes_the_runs_is_refused(dropped: Database) -> None:
    question = Question(minutes_of(LONG_AGO))
    for asked in (replace(question, where=BY_USER), replace(question, source=Source.REALTIME)):
        with pytest.raises(HorizonError, match=f"{week(NOW):%Y-%m-%d}"):
            await read(dropped, None, asked)


async def test_what_is_older_than_figures_are_kept_is_refused(dropped: Database) -> None:
    question = Question(minutes_of(LONG_AGO))
    await expire_cells(dropped, LONG_AGO - timedelta(days=1))
    assert (await read(dropped, None, question)).metrics().runs == 1, "nothing was so old"
    cutoff = LONG_AGO.replace(hour=0, minute=0) + timedelta(days=1)
    await expire_cells(dropped, cutoff)
    with pytest.raises(HorizonError, match=f"{cutoff:%Y-%m-%d}"):
        await read(dropped, None, question)
    later = Question(ResolvedRange(cutoff, NOW + HOUR), wants=Wants(previous=True))
    metrics = (await read(dropped, None, later)).metrics()
    assert (metrics.runs, metrics.previous) == (1, None)


async def test_previous_figures_that_take_dropped_runs_are_unknown(dropped: Database) -> None:
    question = Question(ResolvedRange(week(NOW), NOW + HOUR), BY_USER, wants=Wants(previous=True))
    metrics = (await read(dropped, None, question)).metrics()
    assert metrics.runs == 1
    assert metrics.previous is None


async def test_a_duration_that_comes_up_more_often_than_an_entry_can_say_is_counted(db: Database) -> None:
    await Recorder(db).record([run_input(startedAt=ago(7200).isoformat(), durationMs=700)], None)
    await settle(db, NOW)
    entries = pack(bucket_of(700), 3 * MOST)
    await db.execute("UPDATE run_hour SET timed_runs = $1, durations = $2::integer[]", 3 * MOST, entries)
    question = Question(ResolvedRange(ago(20_000), NOW), RunFilter(agent_id=(1,)), wants=Wants(durations=True))
    latency = (await read(db, None, question)).metrics().latency
    assert latency is not None
    assert [slot.count for slot in latency.histogram(24)] == [3 * MOST]
