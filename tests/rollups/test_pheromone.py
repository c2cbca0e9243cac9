"""Scores computed from cells: what stands in `pheromone_hour`, and what agents are told to have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.models import RunStatus, Tier
from formicary.rollups.pheromone import update
from formicary.rollups.pheromone_formula import DEFAULT_FORMULA, HOUR

from .cells import agent, cell, mark

FORMULA = DEFAULT_FORMULA
DAY = timedelta(days=1)
NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
NOW = NOON + timedelta(minutes=20)


async def rows(db: Database) -> list[dict[str, Any]]:
    return [dict(row) for row in await db.fetch("SELECT * FROM pheromone_hour ORDER BY agent_id, starts_at")]


async def row(db: Database) -> dict[str, Any]:
    """The one of the hour of now."""
    return next(row for row in await rows(db) if row["starts_at"] == NOON)


async def score_of(db: Database, agent_id: int) -> float:
    return float(await db.fetchval("SELECT pheromone_score FROM agent_state WHERE agent_id = $1", agent_id))


async def marks(db: Database) -> int:
    return int(await db.fetchval("SELECT count(*) FROM rollup_stale WHERE tier = $1", Tier.PHEROMONE))


async def test_an_hour_of_runs_moves_the_score_of_its_agent(db: Database, settings: Settings) -> None:
    planner = await agent(db)
    await cell(db, planner, NOON, runs=3)
    await cell(db, planner, NOON, runs=1, status=RunStatus.FAILED)
    await cell(db, planner, NOON, runs=1, status=RunStatus.TIMED_OUT)
    await update(db, settings, NOW)
    score = FORMULA.deposited(0.5, 3 / 5, 5)
    assert await rows(db) == [
        {
            "agent_id": planner,
            "starts_at": NOON,
            "score": score,
            "runs": 5,
            "quality": 3 / 5,
            "median_duration_ms": None,
            "median_cost": None,
        }
    ]
    assert await score_of(db, planner) == pytest.approx(score)
    assert await marks(db) == 0


async def test_cancelled_runs_do_not_count(db: Database, settings: Settings) -> None:
    planner = await agent(db)
    await cell(db, planner, NOON - HOUR, status=RunStatus.CANCELLED)
    await cell(db, planner, NOON, runs=1)
    await cell(db, planner, NOON, runs=9, status=RunStatus.CANCELLED, costs=[5.0])
    await update(db, settings, NOW)
    assert [(row["starts_at"], row["runs"], row["quality"]) for row in await rows(db)] == [(NOON, 1, 1.0)]


async def test_medians_are_of_the_seven_whole_days_before(db: Database, settings: Settings) -> None:
    planner = await agent(db)
    today = NOON.replace(hour=0)
    for starts_at, duration in [(today - 7 * DAY, 10), (today - HOUR, 20), (today - 2 * DAY, 30)]:
        await cell(db, planner, starts_at, durations_ms=[duration], costs=[duration / 1e6])
        await mark(db, planner, starts_at.replace(hour=0), Tier.DAY)
    for starts_at in (today - 7 * DAY - HOUR, today):
        await cell(db, planner, starts_at, durations_ms=[1, 1, 1], costs=[0, 0, 0])
        await mark(db, planner, starts_at.replace(hour=0), Tier.DAY)
    await cell(db, planner, NOON)
    await update(db, settings, NOW)
    assert (await row(db))["median_duration_ms"] == 20
    assert (await row(db))["median_cost"] == 20 / 1e6


async def test_medians_are_read_from_days_but_from_hours_where_these_are_stale(
    db: Database, settings: Settings
) -> None:
    planner = await agent(db)
    day, stale = NOON.replace(hour=0) - 2 * DAY, NOON.replace(hour=0) - 3 * DAY
    await cell(db, planner, day, durations_ms=[40], table="run_day")
    await cell(db, planner, day, status=RunStatus.FAILED, durations_ms=[40], table="run_day")
    await cell(db, planner, stale, durations_ms=[1, 1, 1, 1, 1, 1], table="run_day")
    await cell(db, planner, stale + 5 * HOUR, durations_ms=[30, 30, 30])
    await mark(db, planner, stale, Tier.DAY)
    await cell(db, planner, NOON)
    await update(db, settings, NOW)
    assert (await row(db))["median_duration_ms"] == 30


async def test_quick_and_cheap_successes_are_better_by_the_medians(db: Database, settings: Settings) -> None:
    planner = await agent(db)
    yesterday = NOON.replace(hour=0) - DAY
    await cell(db, planner, yesterday, durations_ms=[20], costs=[30 / 1e6])
    await mark(db, planner, yesterday, Tier.DAY)
    await cell(db, planner, NOON, runs=3, durations_ms=[20, 0], costs=[0, 0, 15 / 1e6])
    await cell(db, planner, NOON, runs=1, status=RunStatus.FAILED, durations_ms=[1], costs=[0])
    await update(db, settings, NOW)
    duration, cost = (1 / 2 + 1) / 2, (1 + 1 + 2 / 3) / 3
    assert (await row(db))["quality"] == pytest.approx(3 / 4 * (0.7 + 0.2 * duration + 0.1 * cost))


async def test_what_costs_nothing_as_always_is_as_good_as_always(db: Database, settings: Settings) -> None:
    planner = await agent(db)
    yesterday = NOON.replace(hour=0) - DAY
    await cell(db, planner, yesterday, costs=[0])
    await mark(db, planner, yesterday, Tier.DAY)
    await cell(db, planner, NOON, runs=2, costs=[0, 0])
    await update(db, settings, NOW)
    assert (await row(db))["quality"] == pytest.approx((0.7 + 0.1 / 2) / 0.8)


async def test_a_late_run_changes_all_hours_from_its_own_on(db: Database, settings: Settings) -> None:
    planner, early = await agent(db), NOON - 4 * DAY
    for starts_at in (early - DAY, early, NOON - HOUR, NOON):
        await cell(db, planner, starts_at, durations_ms=[20])
        await mark(db, planner, starts_at.replace(hour=0), Tier.DAY)
    await update(db, settings, NOW)
    before = await rows(db)
    await cell(db, planner, early, status=RunStatus.FAILED, durations_ms=[10, 10, 10, 10])
    await update(db, settings, NOW)
    after = await rows(db)
    assert after[0] == before[0]
    assert all(new["score"] < old["score"] for new, old in zip(after[1:], before[1:], strict=True))
    assert [row["median_duration_ms"] for row in after] == [None, 20, 10, 10]
    assert await score_of(db, planner) == pytest.approx(after[-1]["score"])


async def test_an_hour_that_has_lost_its_runs_is_gone(db: Database, settings: Settings) -> None:
    planner = await agent(db)
    await cell(db, planner, NOON - HOUR)
    await cell(db, planner, NOON)
    await update(db, settings, NOW)
    await db.execute("DELETE FROM run_hour")
    await mark(db, planner, NOON)
    await update(db, settings, NOW)
    assert [row["starts_at"] for row in await rows(db)] == [NOON - HOUR]
    await mark(db, planner, NOON - HOUR)
    await update(db, settings, NOW)
    assert await rows(db) == []
    assert await score_of(db, planner) == 0.5


async def test_the_current_hour_is_computed_again_with_the_medians_of_its_day(
    db: Database, settings: Settings, statements: list[str]
) -> None:
    planner = await agent(db)
    await cell(db, planner, NOON - DAY, durations_ms=[20])
    await mark(db, planner, (NOON - DAY).replace(hour=0), Tier.DAY)
    await cell(db, planner, NOON - HOUR, durations_ms=[20])
    await update(db, settings, NOW)
    await db.execute("DELETE FROM run_hour WHERE starts_at < $1", NOON)
    await cell(db, planner, NOON, durations_ms=[20])
    statements.clear()
    await update(db, settings, NOW)
    assert (await row(db))["median_duration_ms"] == 20
    assert (await row(db))["quality"] == pytest.approx((0.7 + 0.1) / 0.9)


async def test_agents_are_computed_together(db: Database, settings: Settings, statements: list[str]) -> None:
    for number in range(30):
        await cell(db, await agent(db, f"agent {number}"), NOON, runs=number + 1)
    statements.clear()
    await update(db, settings, NOW)
    assert [row["runs"] for row in await rows(db)] == list(range(1, 31))
    assert len(statements) <= 13


async def test_agents_with_much_to_compute_are_computed_apart(
    db: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("formicary.rollups.pheromone.SLICE_HOURS", 40)
    for number in range(5):
        planner = await agent(db, f"agent {number}")
        await cell(db, planner, NOON)
        await cell(db, planner, NOON - 30 * HOUR)
    await update(db, settings, NOW)
    assert len(await rows(db)) == 10
    assert await marks(db) == 0


async def test_scores_of_idle_agents_evaporate_hour_by_hour(db: Database, settings: Settings) -> None:
    planner, idle = await agent(db), await agent(db, "idle")
    await cell(db, planner, NOON, runs=50)
    await update(db, settings, NOW)
    score = await score_of(db, planner)
    await update(db, settings, NOON + HOUR)
    assert await score_of(db, planner) == score, "no whole hour was idle"
    for hours in (2, 3, 200):
        await update(db, settings, NOON + hours * HOUR + timedelta(minutes=59))
        assert await score_of(db, planner) == pytest.approx(FORMULA.evaporated(score, (hours - 1) * HOUR), abs=1e-6)
    assert await score_of(db, idle) == 0.5
    assert len(await rows(db)) == 1


async def test_a_score_at_rest_is_not_written_again(db: Database, settings: Settings) -> None:
    planner = await agent(db)
    await cell(db, planner, NOON, runs=50)
    await update(db, settings, NOW)
    version = "SELECT xmin::text || ctid::text FROM {} WHERE agent_id = $1"
    before = [await db.fetchval(version.format(table), planner) for table in ("agent_state", "pheromone_hour")]
    await mark(db, planner, NOON)
    await update(db, settings, NOW)
    assert [await db.fetchval(version.format(table), planner) for table in ("agent_state", "pheromone_hour")] == before


async def test_a_reported_score_is_kept_and_its_hours_hold_what_was_reported(db: Database, settings: Settings) -> None:
    planner = await agent(db, score=0.3, at=NOON + timedelta(minutes=5))
    await cell(db, planner, NOON - 2 * HOUR, runs=2, scores=[0.8, 0.6])
    await cell(db, planner, NOON - HOUR, runs=7)
    await cell(db, planner, NOON, runs=3, scores=[0.2, 0.3])
    await update(db, settings, NOON + 100 * HOUR)
    assert [(row["runs"], row["score"], row["quality"]) for row in await rows(db)] == [
        (2, pytest.approx(0.7), None),
        (7, pytest.approx(0.7), None),
        (3, pytest.approx(0.25), None),
    ]
    assert await score_of(db, planner) == 0.3


async def test_a_score_that_was_set_by_hand_is_kept_from_its_hour_on(db: Database, settings: Settings) -> None:
    planner = await agent(db, score=0.9, at=NOON - timedelta(minutes=5))
    for hours in (3, 1, 0):
        await cell(db, planner, NOON - hours * HOUR, status=RunStatus.FAILED)
    await update(db, settings, NOW)
    assert [row["score"] for row in await rows(db)] == [pytest.approx(0.475), 0.9, 0.9]
    await mark(db, planner, NOON)
    await update(db, settings, NOW)
    assert [row["score"] for row in await rows(db)] == [pytest.approx(0.475), 0.9, 0.9]
    assert await score_of(db, planner) == 0.9
