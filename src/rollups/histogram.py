"""Histograms that merge exactly: how a duration or a cost finds its bucket, and what a bucket stands for.

Bucket k holds the whole numbers above BOUNDS[k - 1] and up to BOUNDS[k]. As long as they are small every number
has a bucket of its own; from 50 on a bucket is at most 2 % wide, so the value that stands for it is at most 1 %
off (the idea of Masson, Rim and Lee, "DDSketch", VLDB 2019, here with fixed bounds). The bounds of the Prometheus
histogram are among ours, so its counts are exact.

A histogram is a list of entries `bucket << 20 | count`. A bucket may stand in it more than once, so histograms are
merged by putting them one behind the other.
"""

import sys
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from typing import Self

PROMETHEUS_MS = (100, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)
"""Bounds, in milliseconds, that a bucket must end at."""

WIDTH = 1.02
LARGEST = 2**40
"""Whatever is larger counts as this: 35 years of milliseconds, a million dollars of millionths."""

COUNT_BITS = 20
MOST = (1 << COUNT_BITS) - 1
"""Of one entry; a fuller bucket takes several."""


def _bounds() -> list[int]:
    bounds = [0]
    fixed = iter((*PROMETHEUS_MS, LARGEST))
    target = next(fixed)
    while bounds[-1] < LARGEST:
        bound = max(bounds[-1] + 1, int(bounds[-1] * WIDTH))
        if bound >= target:
            bound, target = target, next(fixed, LARGEST)
        bounds.append(bound)
    return bounds


BOUNDS: list[int] = _bounds()
VALUES: list[float] = [0.0, *(2 * (low + 1) * high / (low + 1 + high) for low, high in pairwise(BOUNDS))]
"""What stands for a bucket: equally far, in proportion, from its least and its greatest number."""


def bucket_of(number: float) -> int:
    return min(bisect_left(BOUNDS, number), len(BOUNDS) - 1)


def pack(bucket: int, count: int) -> list[int]:
    """The entries that say that a bucket holds `count` numbers."""
    entries = [bucket << COUNT_BITS | MOST] * (count // MOST)
    return [*entries, bucket << COUNT_BITS | count % MOST] if count % MOST else entries


@dataclass(frozen=True, slots=True)
class Slot:
    """A part of a histogram for show: how many numbers lie above `low` and up to `high`."""

    low: float
    high: float
    count: int


class Histogram:
    """Some numbers by how many there are up to each: of buckets, or, if `exact`, of the numbers themselves.

    A page keeps thousands of them: in arrays, which the garbage collector does not go through.
    """

    __slots__ = ("_cumulated", "_exact", "_numbers")

    def __init__(self, numbers: Sequence[int], cumulated: "array[int] | range", *, exact: bool) -> None:
        self._numbers = numbers
        self._cumulated = cumulated
        self._exact = exact

    @classmethod
    def of_numbers(cls, numbers: Iterable[int]) -> Self:
        numbers = array("Q", sorted(numbers))
        return cls(numbers, range(1, len(numbers) + 1), exact=True)

    @classmethod
    def of_entries(cls, entries: Sequence[int]) -> Self:
        """Many are counted bucket by bucket, in half the time that it takes to sort them."""
        if len(entries) < len(BOUNDS):
            entries = sorted(entries)
            numbers = array("I", [entry >> COUNT_BITS for entry in entries])
            return cls(numbers, array("Q", accumulate([entry & MOST for entry in entries])), exact=False)
        counts = [0] * len(BOUNDS)
        for entry in entries:
            counts[entry >> COUNT_BITS] += entry & MOST
        return cls(range(len(BOUNDS)), array("Q", accumulate(counts)), exact=False)

    @classmethod
    def together(cls, histograms: Sequence[Self]) -> Self:
        """Of the numbers of all, which are either exact in all or in none."""
        if all(each._exact for each in histograms):
            return cls.of_numbers(chain.from_iterable(each._numbers for each in histograms))
        many, few = list["array[int]"](), [0] * len(BOUNDS)
        for each in histograms:
            if isinstance(each._cumulated, array) and len(each._cumulated) == len(BOUNDS):
                many.append(each._cumulated)
            else:
                for bucket, count in each.counts.items():
                    few[bucket] += count
        return cls(range(len(BOUNDS)), _added([array("Q", accumulate(few)), *many]), exact=False)

    def quantile(self, q: float) -> float:
        """The nearest-rank quantile (the least number that at least a part `q` of all does not exceed), 0 <= q <= 1.

        Of buckets it is at most 1 % off. Raises IndexError where there are no numbers.
        """
        numerator, denominator = _decimal(q)
        rank = max(1, -(-numerator * self._cumulated[-1] // denominator))
        number = self._numbers[bisect_left(self._cumulated, rank)]
        return float(number) if self._exact else VALUES[number]

    def slots(self, most: int) -> list[Slot]:
        """At most `most` adjoining parts, each of equally many buckets, from the least number to the greatest."""
        return common_slots([self], most)[0]

    @property
    def counts(self) -> Counter[int]:
        """How many numbers each bucket holds, of those that hold any."""
        counts: Counter[int] = Counter()
        before = 0
        for number, cumulated in zip(self._numbers, self._cumulated, strict=True):
            if cumulated > before:
                counts[bucket_of(number) if self._exact else number] += cumulated - before
                before = cumulated
        return counts


def _added(arrays: Iterable["array[int]"]) -> "array[int]":
    """Element by element. As long as no sum outgrows its eight bytes, all are added at once, as one large number."""
    numbers = [int.from_bytes(each.tobytes(), sys.byteorder) for each in arrays]
    return array("Q", sum(numbers).to_bytes(len(BOUNDS) * array("Q").itemsize, sys.byteorder))


def common_slots(histograms: Sequence[Histogram], most: int) -> list[list[Slot]]:
    """Of each histogram the parts from the least number of all to the greatest, so that they can be compared."""
    counts = [histogram.counts for histogram in histograms]
    buckets = set[int]().union(*counts)
    if not buckets:
        return [[] for _ in histograms]
    first, last = min(buckets), max(buckets)
    step = -(-(last - first + 1) // most)
    starts = range(first, last + 1, step)
    return [[_slot(each, start, min(start + step - 1, last)) for start in starts] for each in counts]


def _slot(counts: Counter[int], first: int, last: int) -> Slot:
    low = float(BOUNDS[first - 1]) if first else 0.0
    return Slot(low, float(BOUNDS[last]), sum(counts[bucket] for bucket in range(first, last + 1)))


@lru_cache(64)
def _decimal(q: float) -> tuple[int, int]:
    """What is meant, as a fraction: 0.07 of 100 is 7, though the float is a little more than that."""
    return Fraction(str(q)).as_integer_ratio()
