"""The score as a function of an agent's hours."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from formicary.config import Settings
from formicary.rollups.pheromone_formula import DEFAULT_FORMULA, HOUR, Hour, Start, Step

FORMULA = DEFAULT_FORMULA
FIRST = datetime(2026, 11, 2, tzinfo=UTC)
DAY = timedelta(days=1)
scores = st.floats(0, 1)


def hour(at: int = 0, *, runs: int = 10, succeeded: int | None = None, **fields: Any) -> Hour:
    return Hour(FIRST + at * HOUR, runs=runs, succeeded=runs if succeeded is None else succeeded, **fields)


def usual(at: int, *, succeeded: int) -> Hour:
    """Of ten runs, those that succeed being about as long and as dear as always."""
    return hour(at, succeeded=succeeded, duration=0.5, cost=0.5)


def steps(*hours: Hour, start: Start = Start()) -> list[Step]:  # noqa: B008 - it is frozen
    return list(FORMULA.steps(start, hours))


def after(*hours: Hour, start: Start = Start()) -> list[float]:  # noqa: B008 - it is frozen
    return [step.score for step in steps(*hours, start=start)]


def settled(hours: Iterable[Hour]) -> float:
    return after(*hours)[-1]


def counts(runs: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.just(runs), st.integers(0, runs))


def hours_with(counted: tuple[int, int], at: int, term: float | None, reported: float | None) -> Hour:
    return hour(at, runs=counted[0], succeeded=counted[1], duration=term, reported=reported)


histories = st.lists(
    st.builds(
        hours_with,
        st.integers(1, 500).flatmap(counts),
        st.integers(0, 3000),
        st.none() | scores,
        st.one_of(st.none(), st.none(), st.none(), scores),
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda hour: hour.starts_at,
).map(lambda hours: sorted(hours, key=lambda hour: hour.starts_at))


@given(scores, scores, st.integers(0, 300))
def test_many_runs_move_the_score_as_far_as_one_after_the_other(score: float, quality: float, runs: int) -> None:
    single = score
    for _ in range(runs):
        single += FORMULA.rate * (quality - single)
    assert FORMULA.deposited(score, quality, runs) == pytest.approx(single, abs=1e-12)


@given(scores, st.integers(0, 5000), st.integers(0, 5000))
def test_time_evaporates_the_same_in_one_piece_and_in_two(score: float, first: int, second: int) -> None:
    whole = FORMULA.evaporated(score, (first + second) * HOUR)
    assert FORMULA.evaporated(FORMULA.evaporated(score, first * HOUR), second * HOUR) == pytest.approx(whole)


def test_half_of_the_distance_is_left_after_the_half_life() -> None:
    assert FORMULA.evaporated(0.9, timedelta(days=7)) == pytest.approx(0.7)
    assert FORMULA.evaporated(0.1, timedelta(days=14)) == pytest.approx(0.4)
    assert FORMULA.evaporated(0.9, timedelta(0)) == 0.9


@given(histories)
def test_a_score_is_between_0_and_1(hours: list[Hour]) -> None:
    assert all(0 <= score <= 1 for score in after(*hours))


@given(histories, st.data())
def test_who_goes_on_from_an_hour_comes_to_the_same_as_who_begins_at_the_first(
    hours: list[Hour], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(hours) - 1))
    whole = steps(*hours)
    last = whole[cut]
    start = Start(last.score, last.hour.starts_at, reported=last.quality is None)
    assert steps(*hours[cut + 1 :], start=start) == whole[cut + 1 :]


def test_the_score_begins_in_the_middle_and_the_first_hour_moves_it() -> None:
    (first,) = steps(hour(runs=1))
    assert (first.before, first.quality, first.score) == (0.5, 1.0, pytest.approx(0.525))


def test_hours_that_adjoin_leave_nothing_to_evaporate() -> None:
    first, second = steps(hour(0), hour(1))
    assert second.before == first.score


def test_only_the_hours_between_two_evaporate() -> None:
    first, second = steps(hour(0), hour(25))
    assert second.before == FORMULA.evaporated(first.score, DAY)


@given(st.integers(1, 100), st.data(), scores, scores)
def test_quality_rises_with_each_success(runs: int, data: st.DataObject, duration: float, cost: float) -> None:
    qualities = [
        FORMULA.quality(hour(runs=runs, succeeded=succeeded, duration=duration, cost=cost))
        for succeeded in range(runs + 1)
    ]
    assert all(fewer < more for fewer, more in pairwise(qualities))
    assert qualities[0] == 0


@given(st.integers(1, 100), scores, scores)
def test_quality_does_not_fall_where_runs_are_quicker_or_cheaper(succeeded: int, one: float, other: float) -> None:
    slow, quick = sorted((one, other))
    quality = FORMULA.quality
    some = partial(hour, runs=100, succeeded=succeeded)
    assert quality(some(duration=slow)) <= quality(some(duration=quick))
    assert quality(some(cost=slow)) <= quality(some(cost=quick))


def test_a_term_that_is_not_known_falls_out() -> None:
    assert FORMULA.quality(hour(runs=4, succeeded=3)) == 0.75
    assert FORMULA.quality(hour(duration=0.5)) == pytest.approx((0.7 + 0.1) / 0.9)
    assert FORMULA.quality(hour(cost=0.5)) == pytest.approx((0.7 + 0.05) / 0.8)
    assert FORMULA.quality(hour(duration=0.5, cost=0.5)) == pytest.approx(0.85)


def test_a_usual_agent_settles_in_the_green_and_one_that_fails_half_the_time_below() -> None:
    always, mostly = (settled(usual(at, succeeded=good) for at in range(0, 500, 8)) for good in (10, 9))
    half, never = (settled(usual(at, succeeded=good) for at in range(0, 500, 8)) for good in (5, 0))
    assert always > mostly >= 0.7
    assert 0.4 <= half < 0.7
    assert never < 0.1


def test_three_good_runs_a_day_are_enough_for_the_green() -> None:
    assert settled(hour(8 * at, runs=1, duration=0.5, cost=0.5) for at in range(200)) >= 0.7


def test_a_reported_score_is_kept_until_the_next_one() -> None:
    scores = after(hour(0, runs=500), hour(1, reported=0.3), hour(2), hour(500), hour(501, reported=0.2))
    assert scores == [pytest.approx(1.0), 0.3, 0.3, 0.3, 0.2]


def test_nothing_is_computed_any_more_once_a_score_was_reported() -> None:
    assert [step.quality for step in steps(hour(0), hour(1, reported=0.3), hour(2))] == [1.0, None, None]


def test_a_score_that_somebody_set_counts_from_its_hour_on() -> None:
    start = Start(given=0.9, given_from=FIRST + HOUR)
    assert after(hour(0, succeeded=0), hour(1), hour(9), hour(10, reported=0.1), start=start)[1:] == [0.9, 0.9, 0.1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("outcome_weight", 0),
        ("outcome_weight", float("inf")),
        ("duration_weight", -1),
        ("cost_weight", float("nan")),
        ("rate", 0),
        ("rate", 1.1),
        ("half_life", 0),
        ("half_life", float("nan")),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError):
        Settings(**{f"pheromone_{name}": value})  # type: ignore[arg-type]  # any field
