"""The durations of some runs, as they come from the database: bytes, until somebody asks for a percentile."""

from collections.abc import Sequence
from functools import cached_property

from ..rollups.histogram import Histogram
from .array_bytes import integers


class Durations:
    """Entries of a histogram (see rollups/histogram.py), or, if `exact`, the numbers themselves.

    `arrays` are arrays of PostgreSQL one behind the other. The histogram is worked out once, whoever asks for it.
    """

    def __init__(self, arrays: bytes, *, exact: bool) -> None:
        self._arrays = arrays
        self._exact = exact

    @cached_property
    def histogram(self) -> Histogram:
        found = integers(self._arrays)
        return Histogram.of_numbers(found) if self._exact else Histogram.of_entries(found)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Durations) and self.histogram.counts == other.histogram.counts

    __hash__ = None  # type: ignore[assignment]


class TotalDurations(Durations):
    """Those of several groups of runs, from the histograms of each."""

    def __init__(self, parts: Sequence[Durations]) -> None:
        self._parts = parts

    @cached_property
    def histogram(self) -> Histogram:
        return Histogram.together([part.histogram for part in self._parts])
