"""Averages of scores over agents."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from formicary.db import Database
from formicary.resolvers.figures import read
from formicary.resolvers.question import Dimension, Question, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import HOUR, Bucket

from ..rollups.cells import agent, pheromone_hour

NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
RANGE = ResolvedRange(NOON, NOON + 3 * HOUR)


async def average(db: Database, key: int = 0, hour: datetime | None = None, **question: Any) -> float | None:
    bucket = None if hour is None else Bucket.HOUR
    asked = Question(RANGE, bucket=bucket, wants=Wants(pheromone=True), **question)
    return (await read(db, None, asked)).metrics(key, hour).average_pheromone


@pytest.fixture
async def agents(db: Database) -> list[int]:
    """One that runs a lot and does well, and one that runs once and does not."""
    busy, rare = await agent(db, "busy"), await agent(db, "rare")
    await pheromone_hour(db, busy, NOON, score=0.8, runs=100)
    await pheromone_hour(db, busy, NOON + HOUR, score=0.9, runs=300)
    await pheromone_hour(db, rare, NOON + HOUR, score=0.2, runs=1)
    await pheromone_hour(db, rare, NOON + 3 * HOUR, score=1.0, runs=1)
    return [busy, rare]


@pytest.mark.usefixtures("agents")
async def test_each_agent_counts_once_by_the_mean_of_its_runs(db: Database) -> None:
    assert await average(db) == pytest.approx((0.875 + 0.2) / 2)


async def test_an_agent_by_itself_and_an_hour_by_itself(db: Database, agents: list[int]) -> None:
    busy, rare = agents
    assert await average(db, busy, by=Dimension.AGENT) == pytest.approx(0.875)
    assert await average(db, where=RunFilter(agent_id=(rare,))) == pytest.approx(0.2)
    assert await average(db, hour=NOON + HOUR) == pytest.approx((0.9 + 0.2) / 2)


@pytest.mark.usefixtures("agents")
async def test_no_runs_have_no_average(db: Database) -> None:
    later = ResolvedRange(NOON + timedelta(days=1), NOON + timedelta(days=2))
    figures = await read(db, None, Question(later, wants=Wants(pheromone=True)))
    assert figures.metrics().average_pheromone is None
