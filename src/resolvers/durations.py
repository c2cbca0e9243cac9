"""The durations of some runs, as they come from the database: bytes, until somebody asks for a percentile."""

from collections.abc import Sequence

from ..rollups.histogram import Histogram
from .array_bytes import integers, large_integers


class Durations:
    """Entries of a histogram (see rollups/histogram.py), or, if `exact`, the numbers themselves.

    `elements` are those of arrays as PostgreSQL sends them. The histogram is worked out once, whoever asks for it.
    """

    __slots__ = ("_elements", "_exact", "_histogram")

    def __init__(self, elements: bytes, *, exact: bool) -> None:
        self._elements = elements
        self._exact = exact
        self._histogram: Histogram | None = None

    @property
    def histogram(self) -> Histogram:
        if self._histogram is None:
            self._histogram = self._make()
        return self._histogram

    def _make(self) -> Histogram:
        if self._exact:
            return Histogram.of_numbers(large_integers(self._elements))
        return Histogram.of_entries(integers(self._elements))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Durations) and self.histogram.counts == other.histogram.counts

    __hash__ = None  # type: ignore[assignment]


class TotalDurations(Durations):
    """Those of several groups of runs, from the histograms of each."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Sequence[Durations]) -> None:
        self._parts = parts
        self._histogram = None

    def _make(self) -> Histogram:
        return Histogram.together([part.histogram for part in self._parts])
