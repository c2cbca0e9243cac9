"""The overview shows what the figures say that are asked for one by one."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formicary.db import Database
from formicary.errors import BadInputError
from formicary.ingest.recorder import Recorder
from formicary.resolvers import figures, history, overview
from formicary.resolvers.metrics import OF_LATENCY, Latency, Metrics
from formicary.resolvers.question import Question, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import DAY, HOUR, Bucket, count, floor
from formicary.rollups.aggregate import settle
from formicary.rollups.retention import expire_cells, expire_runs

from ..ingest.factories import NOW, ago, run_input
from ..rollups.cells import agent, pheromone_hour
from .oracle import shown, week
from .test_figures import PHASES, UNCHECKED, Step, fresh_database, ranges, steps

EVERYTHING = Wants(durations=True, people=True, pheromone=True, previous=True)
COURSE = Wants(durations=True, pheromone=True)

OF_METRICS = [
    *(name for name, value in vars(Metrics).items() if isinstance(value, property)),
    "range",
    "average_pheromone",
]
SHOWN_OF_LATENCY = [name for name, value in vars(Latency).items() if isinstance(value, property) and name[0] != "_"]


def told(metrics: Metrics | None) -> object:
    """All that figures say."""
    if metrics is None:
        return None
    latency = metrics.latency and (shown(metrics.latency, SHOWN_OF_LATENCY), metrics.latency.histogram(24))
    return shown(metrics, OF_METRICS), latency, told(metrics.previous)


async def assert_they_agree(db: Database, range_: ResolvedRange, bucket: Bucket, project: str | None = None) -> None:
    """The overview says what is said to the same questions."""
    where = RunFilter(project=project)
    found = await overview.read(db, None, range_, bucket, project=project)
    of_range = await figures.read(db, None, Question(range_, where, wants=EVERYTHING))
    by_bucket = await figures.read(db, None, Question(range_, where, bucket=bucket, wants=COURSE))
    assert told(found.metrics) == told(of_range.metrics())
    expected = history.points(by_bucket)
    assert [(point.from_, point.to, told(point.metrics)) for point in found.points] == [
        (point.from_, point.to, told(point.metrics)) for point in expected
    ]


buckets = st.sampled_from((Bucket.HOUR, Bucket.DAY, Bucket.WEEK, Bucket.MINUTE))
asked = st.tuples(ranges, buckets).filter(lambda drawn: count(*drawn) < history.MOST_POINTS)


@settings(max_examples=10, phases=PHASES, deadline=None, suppress_health_check=UNCHECKED)
@given(steps=steps, questions=st.lists(asked, min_size=2, max_size=4))
async def test_an_overview_says_what_the_figures_say(
    server_dsn: str, template: str, steps: list[Step], questions: list[tuple[ResolvedRange, Bucket]]
) -> None:
    async with fresh_database(server_dsn, template) as db:
        for step in steps:
            await step(db)
        for range_, bucket in questions:
            await assert_they_agree(db, range_, bucket)
        await settle(db, NOW)
        for range_, bucket in questions:
            await assert_they_agree(db, range_, bucket, "default")


async def test_a_range_that_cuts_hours_is_compared_with_the_one_before(db: Database) -> None:
    moments = [ago(60 * minutes) for minutes in (1, 45, 80, 100, 119, 121, 200, 239, 241)]
    await Recorder(db).record(
        [run_input(startedAt=at.isoformat(), durationMs=1_234, userId="u") for at in moments], None
    )
    await pheromone_hour(db, await agent(db, "scored"), ago(0).replace(minute=0, second=0), score=0.7)
    range_ = ResolvedRange(NOW - 2 * HOUR, NOW)
    for bucket in (Bucket.MINUTE, Bucket.HOUR, Bucket.DAY):
        await assert_they_agree(db, range_, bucket)
        metrics = (await overview.read(db, None, range_, bucket)).metrics
        assert metrics.previous is not None
        assert (metrics.runs, metrics.previous.runs) == (5, 3)
        assert (metrics.distinct_users, metrics.previous.distinct_users) == (1, 1)
        without = (await overview.read(db, None, range_, bucket, people=False)).metrics
        people = await overview.read_people(db, None, range_)
        assert (without.runs, without.distinct_users) == (5, 0)
        assert people.previous is not None
        assert (people.distinct_users, people.previous.distinct_users) == (1, 1)


async def test_only_the_sums_that_are_wanted_are_read(db: Database) -> None:
    facts = {"durationMs": 1_234, "messages": 3, "inputTokens": 5, "outputTokens": 7, "cost": "0.5", "filesCreated": 2}
    for minutes in (5, 65, 1_500):
        await Recorder(db).record([run_input(startedAt=ago(60 * minutes).isoformat(), **facts)], None)
    range_ = ResolvedRange(NOW - 24 * HOUR, NOW)
    wanted = frozenset({"messages", "cost", "unknown_runs"}) | OF_LATENCY
    every = (await overview.read(db, None, range_, Bucket.HOUR, people=False)).metrics
    found = (await overview.read(db, None, range_, Bucket.HOUR, people=False, sums=wanted)).metrics
    for some, all_ in ((found, every), (found.previous, every.previous)):
        assert some is not None
        assert all_ is not None
        names = ("runs", "messages", "cost.total", "cost.per_run")
        assert shown(some, names) == shown(all_, names)
        assert shown(some.latency, SHOWN_OF_LATENCY) == shown(all_.latency, SHOWN_OF_LATENCY)
        assert (some.sums.input_tokens, some.sums.files_created) == (None, None)
    assert (every.runs, every.previous and every.previous.runs) == (2, 1)


async def test_an_overview_takes_few_statements(db: Database, statements: list[str]) -> None:
    await Recorder(db).record([run_input(startedAt=ago(60).isoformat())], None)
    range_ = ResolvedRange(NOW - 24 * HOUR, NOW)
    for project, people, most in ((None, True, 4), (None, False, 3), ("default", False, 4)):
        statements.clear()
        await overview.read(db, None, range_, Bucket.HOUR, project=project, people=people)
        assert len([text for text in statements if "SELECT" in text]) <= most


async def test_of_a_project_that_nobody_knows_there_is_nothing(db: Database) -> None:
    found = await overview.read(db, None, ResolvedRange(NOW - HOUR, NOW), Bucket.MINUTE, project="unknown")
    assert (found.metrics.runs, found.metrics.latency, found.metrics.distinct_users) == (0, None, 0)
    assert {point.metrics.runs for point in found.points} == {0}


async def test_what_is_no_longer_kept_is_not_compared_with(db: Database) -> None:
    long_ago = floor(week(NOW) - timedelta(days=10), DAY)
    runs = [run_input(startedAt=at.isoformat()) for at in (long_ago, ago(60))]
    await Recorder(db).record(runs, None)
    await settle(db, NOW)
    await expire_runs(db, week(NOW))
    await expire_cells(db, long_ago + DAY)
    found = await overview.read(db, None, ResolvedRange(long_ago + DAY, NOW), Bucket.DAY)
    assert (found.metrics.runs, found.metrics.previous) == (1, None)


async def test_too_many_points_are_refused(db: Database) -> None:
    with pytest.raises(BadInputError, match="10000 are allowed"):
        await overview.read(db, None, ResolvedRange(NOW - 1_000 * HOUR, NOW), Bucket.MINUTE)


async def test_of_one_agent_it_says_what_the_figures_of_this_agent_say(db: Database) -> None:
    runs = [("a", "SUCCEEDED"), ("a", "FAILED"), ("b", "SUCCEEDED")]
    recorded = [run_input(name, startedAt=ago(60).isoformat(), status=status) for name, status in runs]
    await Recorder(db).record(recorded, None)
    agent_id = await db.fetchval("SELECT id FROM agent WHERE name = 'a'")
    found = await overview.read(db, None, ResolvedRange(NOW - HOUR, NOW), Bucket.HOUR, agent_id=agent_id)
    assert (found.metrics.runs, found.metrics.failed) == (2, 1)
    assert sum(point.metrics.runs for point in found.points) == 2
