"""Stored, real-time and automatic figures are the same, whatever happened in whatever order."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput
from formicary.models.rollup import Tier
from formicary.models.run import RunStatus
from formicary.resolvers.figures import read
from formicary.resolvers.question import Dimension, Question, Source, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import Bucket
from formicary.rollups import fold as folding
from formicary.rollups import recompute as recomputing
from formicary.rollups import roll as rolling_up
from formicary.rollups.aggregate import settle
from formicary.rollups.fold import fold
from formicary.rollups.recompute import recompute
from formicary.rollups.retention import expire_runs
from formicary.rollups.roll import roll

from .. import postgres
from ..ingest.factories import NOW, ago, run_input
from .oracle import expected, shown, week

ALL = Wants(durations=True, people=True)
NOT_OF_PEOPLE = Wants(durations=True)
"""What days and projects can answer."""

PEOPLE = ("distinct_users", "distinct_sessions")
DAY = 24 * 3600
FINAL = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.TIMED_OUT)

SIZES = (
    (folding, "MOST_BATCHES"),
    (folding, "MOST_RUNS"),
    (recomputing, "MOST_HOURS"),
    (recomputing, "MOST_RUNS"),
    (rolling_up, "MOST_DAYS"),
    (rolling_up, "MOST_PROJECT_HOURS"),
    (rolling_up, "MOST_PROJECT_DAYS"),
)

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""An example takes a second, so to find a smaller one that fails is left to who looks for it."""

UNCHECKED = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large)

Step = Callable[[Database], Awaitable[object]]


def _aligned(moment: datetime, seconds: int) -> datetime:
    return moment - timedelta(seconds=moment.timestamp() % seconds)


moments = st.tuples(st.integers(0, 25 * DAY), st.sampled_from((1, 60, 3600, DAY))).map(
    lambda drawn: _aligned(ago(drawn[0]), drawn[1]).isoformat()
)

inputs = st.builds(
    run_input,
    agent=st.sampled_from(("a", "b")),
    version=st.sampled_from(("1", "2")),
    externalId=st.none() | st.sampled_from([f"r{number}" for number in range(4)]),
    status=st.sampled_from([*(status.name for status in RunStatus), *(status.name for status in FINAL)]),
    startedAt=moments,
    durationMs=st.none() | st.integers(0, 400_000),
    model=st.sampled_from((None, "gpt-4o", "other")),
    provider=st.sampled_from((None, "openai")),
    inputTokens=st.none() | st.integers(0, 5000),
    outputTokens=st.none() | st.integers(0, 5000),
    cost=st.none() | st.decimals(0, 3, places=6).map(str),
    errorType=st.sampled_from((None, "Timeout", "Refused")),
    initiator=st.sampled_from((None, "cron")),
    sessionId=st.none() | st.sampled_from(("s1", "s2", "s3")),
    userId=st.none() | st.sampled_from(("u1", "u2")),
    filesCreated=st.none() | st.integers(0, 3),
    messages=st.integers(1, 4),
)


def recording(runs: list[RunInput]) -> Step:
    async def step(db: Database) -> None:
        recorded = await Recorder(db).record(runs, None)
        assert not recorded.rejected

    return step


def rolling(db: Database) -> Awaitable[object]:
    return roll(db, NOW)


steps = st.lists(
    st.one_of(
        st.lists(inputs, min_size=1, max_size=6).map(recording),
        st.lists(inputs, min_size=1, max_size=1).map(recording),
        st.sampled_from((fold, recompute, rolling)),
    ),
    min_size=1,
    max_size=12,
)

ranges = st.tuples(st.integers(-DAY, 26 * DAY), st.integers(-DAY, 26 * DAY), st.sampled_from((1, 60, 3600, DAY))).map(
    lambda drawn: ResolvedRange(*sorted(_aligned(ago(seconds), drawn[2]) for seconds in drawn[:2]))
)


filters = st.builds(
    RunFilter,
    status=st.none() | st.lists(st.sampled_from(RunStatus), min_size=1, max_size=3).map(tuple),
    agent_id=st.none() | st.just((1,)),
    model=st.none() | st.just(("gpt-4o",)),
    error_type=st.none() | st.none() | st.just(("Timeout",)),
    initiator=st.none() | st.none() | st.just(("cron",)),
)
questions = st.builds(
    Question,
    range=ranges,
    where=st.just(RunFilter()) | filters,
    by=st.none() | st.sampled_from(Dimension),
    bucket=st.sampled_from((None, None, Bucket.HOUR, Bucket.DAY, Bucket.WEEK)),
    wants=st.sampled_from((ALL, NOT_OF_PEOPLE)),
)


ALL_TIME = ResolvedRange(ago(26 * DAY), ago(-DAY))
EVERYTHING = (
    Question(ALL_TIME, by=Dimension.AGENT, wants=ALL),
    Question(ALL_TIME, by=Dimension.PROJECT, wants=NOT_OF_PEOPLE),
)
"""Of agents and of projects, which are read from tiers of their own."""


@pytest.fixture
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Turns so small that they leave work half done: some days of a project made and some not; minutes of all time."""
    for module, name in SIZES:
        monkeypatch.setattr(module, name, 2)
    monkeypatch.setattr(rolling_up, "MINUTES_KEPT", timedelta(days=30))


async def assert_runs_say_so(db: Database, question: Question, sources: Sequence[Source]) -> None:
    """The figures of each source are what the runs come to."""
    wanted = await expected(db, question)
    for source in sources:
        found = await read(db, None, replace(question, source=source))
        assert set(found.groups) == set(wanted), source
        for group, figures in wanted.items():
            metrics = found.metrics(*group)
            counts = {
                name: count for name, count in figures.counts.items() if question.wants.people or name not in PEOPLE
            }
            assert shown(metrics, counts) == counts, (source, group)
            assert (metrics.latency is None) == (figures.latency is None)
            if figures.latency is not None:
                assert shown(metrics.latency, figures.latency) == pytest.approx(figures.latency, rel=0.01)


@asynccontextmanager
async def fresh_database(server_dsn: str, template: str) -> AsyncIterator[Database]:
    """One for each example."""
    name = postgres.fresh_name()
    await postgres.execute(server_dsn, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    dsn = postgres.on_database(server_dsn, name)
    db = await Database.open(dsn, Settings(database_url=SecretStr(dsn), pool_size=4))
    try:
        yield db
    finally:
        await db.close()
        await postgres.execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")


async def test_while_tiers_are_being_made_nothing_is_missing_or_counted_twice(db: Database, small_turns: None) -> None:
    start = _aligned(ago(5 * DAY), DAY)
    batches = [[_in_hour(start, 7 * n + m) for m in range(7)] for n in range(10)]
    for batch in batches:
        await recording(batch)(db)
    for turn in (fold, rolling):
        more: object = True
        while more:
            more = await turn(db)
            for question in EVERYTHING:
                await assert_runs_say_so(db, question, (Source.AUTO,))


async def test_a_stale_hour_of_a_project_under_a_day_that_is_not_stale_is_not_counted_again(db: Database) -> None:
    start = _aligned(ago(5 * DAY), DAY)
    await recording([_in_hour(start, 1), _in_hour(start, 25)])(db)
    await settle(db, NOW)
    await db.execute(
        "INSERT INTO rollup_stale (tier, owner_id, starts_at) SELECT $1, project_id, starts_at FROM project_hour",
        Tier.PROJECT_HOUR,
    )
    for question in EVERYTHING:
        await assert_runs_say_so(db, question, (Source.AUTO,))


def _in_hour(start: datetime, number: int) -> RunInput:
    return run_input(agent="a", status="SUCCEEDED", startedAt=(start + timedelta(hours=number)).isoformat())


@settings(max_examples=14, phases=PHASES, deadline=None, suppress_health_check=UNCHECKED)
@given(before=steps, after=steps, asked=st.lists(questions, min_size=3, max_size=5))
async def test_every_source_gives_what_the_runs_come_to(
    small_turns: None, server_dsn: str, template: str, before: list[Step], after: list[Step], asked: list[Question]
) -> None:
    async with fresh_database(server_dsn, template) as db:
        for phase in (before, after):
            for step, question in zip(phase, cycle(EVERYTHING)):
                await step(db)
                await assert_runs_say_so(db, question, (Source.AUTO,))
            for question in asked:
                await assert_runs_say_so(db, question, (Source.AUTO, Source.REALTIME))
            await settle(db, NOW)
            for question in asked:
                await assert_runs_say_so(db, question, tuple(Source))


@settings(max_examples=6, phases=PHASES, deadline=None, suppress_health_check=UNCHECKED)
@given(steps=steps, late=st.lists(inputs, max_size=3), asked=st.lists(questions, min_size=3, max_size=5))
async def test_figures_that_the_tiers_carry_outlive_the_runs(
    server_dsn: str, template: str, steps: list[Step], late: list[RunInput], asked: list[Question]
) -> None:
    hourly = [replace(question, where=replace(question.where, status=FINAL, initiator=None)) for question in asked]
    hourly = [
        replace(
            question, range=ResolvedRange(*(_aligned(end, 3600) for end in (question.range.from_, question.range.to)))
        )
        for question in hourly
        if question.by is not Dimension.INITIATOR
    ]
    async with fresh_database(server_dsn, template) as db:
        for step in steps:
            await step(db)
        await settle(db, NOW)
        before = [await read(db, None, question) for question in hourly]
        await expire_runs(db, week(NOW))
        assert await db.fetchval("SELECT count(*) FROM run WHERE started_at < $1", week(NOW)) == 0
        after = [await read(db, None, question) for question in hourly]
        assert [figures.groups for figures in after] == [figures.groups for figures in before]
        await recording(late)(db) if late else None
        await settle(db, NOW)
        again = [await read(db, None, question) for question in hourly]
        await settle(db, NOW)
        assert [figures.groups for figures in again] == [(await read(db, None, one)).groups for one in hourly]
