"""Scores hour by hour: stored hours, and what stands between and after them."""

from datetime import UTC, datetime, timedelta

import pytest

from formicary.db import Database
from formicary.errors import BadInputError
from formicary.resolvers.pheromone_history import Kept, PheromoneKey, Point, first_hour, in_steps, kept, points
from formicary.resolvers.spans import HOUR
from formicary.rollups.pheromone_formula import DEFAULT_FORMULA

from ..rollups.cells import agent, pheromone_hour

FORMULA = DEFAULT_FORMULA
NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
NOW = NOON + timedelta(minutes=20)


def hour(hours_ago: int, score: float, *, runs: int = 1, reported: bool = False) -> Kept:
    return Kept(NOON - hours_ago * HOUR, score, runs, reported)


def scores(*hours: Kept, count: int = 4) -> list[float]:
    return [point.score for point in points(hours, FORMULA, NOON - (count - 1) * HOUR, NOW)]


def faded(score: float, hours: int) -> float:
    return FORMULA.evaporated(score, hours * HOUR)


def test_a_day_has_24_points_the_last_one_being_of_now() -> None:
    (first, *_, last) = found = points([], FORMULA, first_hour(1, NOW), NOW)
    assert len(found) == 24
    assert (first.from_, first.to) == (NOON - 23 * HOUR, NOON - 22 * HOUR)
    assert last == Point(NOON, NOON + HOUR, 0.5, 0)


@pytest.mark.parametrize("days", [0, -1, 91, 10**9])
def test_a_history_is_of_1_to_90_days(days: int) -> None:
    with pytest.raises(BadInputError, match=f"days: {days} is not between 1 and 90"):
        first_hour(days, NOW)


def test_hours_without_runs_evaporate_but_not_the_current_one() -> None:
    assert scores(hour(2, 0.9)) == [0.5, 0.9, faded(0.9, 1), faded(0.9, 1)]


def test_a_history_begins_with_what_is_left_of_the_hours_before() -> None:
    assert scores(hour(10, 0.9), hour(1, 0.3)) == [faded(0.9, 7), faded(0.9, 8), 0.3, 0.3]


def test_a_reported_score_stays() -> None:
    assert scores(hour(10, 0.9, reported=True), hour(1, 0.3, reported=True)) == [0.9, 0.9, 0.3, 0.3]


def test_steps_end_with_the_last_hour_and_have_its_score_and_all_runs() -> None:
    hourly = points([hour(4, 0.9, runs=7), hour(1, 0.3, runs=3), hour(0, 0.4)], FORMULA, NOON - 4 * HOUR, NOW)
    first, second, third = in_steps(hourly, 2)
    assert (first.from_, first.to, first.interactions) == (NOON - 4 * HOUR, NOON - 3 * HOUR, 7)
    assert (second.from_, second.to, second.interactions) == (NOON - 3 * HOUR, NOON - HOUR, 0)
    assert third == Point(NOON - HOUR, NOON + HOUR, 0.4, 4)
    assert in_steps(hourly, 1) == hourly


def test_interactions_are_the_runs_of_the_hour() -> None:
    found = points([hour(9, 0.9, runs=7), hour(1, 0.9, runs=3)], FORMULA, NOON - 2 * HOUR, NOW)
    assert [point.interactions for point in found] == [0, 3, 0]


async def test_histories_of_many_agents_and_lengths_take_one_statement(db: Database, statements: list[str]) -> None:
    one, other, new = await agent(db, "one"), await agent(db, "other"), await agent(db, "new")
    for hours_ago, score in [(30, 0.6), (25, 0.7), (3, 0.8)]:
        await pheromone_hour(db, one, NOON - hours_ago * HOUR, score=score, runs=2)
        await pheromone_hour(db, other, NOON - hours_ago * HOUR, score=score, quality=None)
    statements.clear()
    keys = [PheromoneKey(id_, NOON - hours * HOUR) for id_, hours in [(other, 30), (one, 24), (new, 1), (one, 2)]]
    found = await kept(db, keys)
    assert len(statements) == 1
    assert found == [
        [hour(30, 0.6, reported=True), hour(25, 0.7, reported=True), hour(3, 0.8, reported=True)],
        [hour(25, 0.7, runs=2), hour(3, 0.8, runs=2)],
        [],
        [hour(3, 0.8, runs=2)],
    ]


async def test_a_score_that_was_reported_after_the_stored_hours_counts_from_its_hour_on(db: Database) -> None:
    later = await agent(db, "later", score=0.2, at=NOON - timedelta(minutes=50))
    before = await agent(db, "before", score=0.2, at=NOON - timedelta(hours=7))
    for id_ in (later, before):
        await pheromone_hour(db, id_, NOON - 3 * HOUR, score=0.9, quality=None)
    of_later, of_before = await kept(db, [PheromoneKey(id_, NOON - 3 * HOUR) for id_ in (later, before)])
    assert scores(*of_later) == [0.9, 0.9, 0.2, 0.2]
    assert scores(*of_before) == [0.9] * 4
