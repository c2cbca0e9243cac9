import math
from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formicary.rollups.histogram import (
    BOUNDS,
    LARGEST,
    MOST,
    PROMETHEUS_MS,
    VALUES,
    Histogram,
    bucket_of,
    common_slots,
    pack,
)

numbers = st.lists(st.integers(0, 2**38), min_size=1, max_size=60)


def nearest_rank(numbers: list[int], percent: int) -> int:
    return sorted(numbers)[max(1, math.ceil(percent * len(numbers) / 100)) - 1]


def test_buckets_are_narrow_and_end_at_the_bounds_that_are_promised_elsewhere() -> None:
    assert BOUNDS[0] == 0
    assert BOUNDS[-1] == LARGEST
    assert set(PROMETHEUS_MS) <= set(BOUNDS)
    assert all(low < high <= max(low + 1, low * 1.02) for low, high in pairwise(BOUNDS))


@given(st.integers(0, LARGEST))
def test_the_value_of_a_bucket_is_at_most_one_per_cent_off(number: int) -> None:
    assert VALUES[bucket_of(number)] == pytest.approx(number, rel=0.01)


@given(numbers, st.integers(0, 100))
def test_a_quantile_is_the_nearest_rank_within_one_per_cent(given: list[int], percent: int) -> None:
    bucketed = Histogram.of_entries([entry for number in given for entry in pack(bucket_of(number), 1)])
    exact = Histogram.of_numbers(given)
    expected = nearest_rank(given, percent)
    assert exact.quantile(percent / 100) == expected
    assert bucketed.quantile(percent / 100) == pytest.approx(expected, rel=0.01)


def test_a_fuller_bucket_takes_several_entries() -> None:
    entries = pack(7, 2 * MOST + 5)
    assert [(entry >> 20, entry & MOST) for entry in entries] == [(7, MOST), (7, MOST), (7, 5)]
    assert max(pack(len(BOUNDS) - 1, MOST)) < 2**31


@given(numbers, st.integers(1, 30))
def test_slots_hold_every_number_once_and_adjoin(given: list[int], most: int) -> None:
    slots = Histogram.of_numbers(given).slots(most)
    assert 1 <= len(slots) <= most
    assert sum(slot.count for slot in slots) == len(given)
    assert all(one.high == other.low for one, other in pairwise(slots))
    assert slots[0].low <= min(given)
    assert slots[-1].high >= max(given)


def test_common_slots_are_the_same_for_all_and_hold_what_each_holds() -> None:
    each: list[list[int]] = [[5, 7, 7], [3, 90_000], []]
    found = common_slots([Histogram.of_numbers(numbers) for numbers in each], 9)
    ends = [[(slot.low, slot.high) for slot in slots] for slots in found]
    assert ends[0] == ends[1] == ends[2]
    assert ends[0][0][0] < 3
    assert ends[0][-1][1] >= 90_000
    assert [sum(slot.count for slot in slots) for slots in found] == [3, 2, 0]


def test_nothing_has_no_slots() -> None:
    nothing = [Histogram.of_entries([]), Histogram.of_numbers([])]
    assert common_slots(nothing, 24) == [[], []]
    assert nothing[0].slots(24) == []


@given(st.lists(numbers, min_size=1, max_size=4), st.integers(0, 100), st.sampled_from((1, 40)))
def test_histograms_together_say_what_one_of_all_numbers_says(given: list[list[int]], percent: int, times: int) -> None:
    exact = Histogram.together([Histogram.of_numbers(part) for part in given])
    assert exact.quantile(percent / 100) == Histogram.of_numbers(chain(*given)).quantile(percent / 100)
    entries = [[entry for number in part for entry in pack(bucket_of(number), 1)] for part in given]
    entries[0] *= times * len(BOUNDS) // len(entries[0]) + 1
    together = Histogram.together([Histogram.of_entries(part) for part in entries])
    alone = Histogram.of_entries(list(chain(*entries)))
    assert together.counts == alone.counts
    assert together.quantile(percent / 100) == alone.quantile(percent / 100)


@given(numbers, st.integers(0, 100))
def test_many_entries_say_the_same_as_few(given: list[int], percent: int) -> None:
    entries = [entry for number in given for entry in pack(bucket_of(number), 3)]
    few, many = Histogram.of_entries(entries), Histogram.of_entries(entries * len(BOUNDS))
    assert many.quantile(percent / 100) == few.quantile(percent / 100)
    assert [slot.count for slot in many.slots(9)] == [len(BOUNDS) * slot.count for slot in few.slots(9)]
