"""The durations of some runs, as they come from the database: bytes, until somebody asks for a percentile."""

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256

from ..rollups.histogram import BOUNDS, Histogram
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
        return _of_entries(self._elements)

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


MANY_BYTES = 8 * len(BOUNDS)
"""So long are the elements of as many entries as there are buckets."""

MOST_KNOWN = 256
"""At ten thousand bytes each."""

_known: OrderedDict[bytes, Histogram] = OrderedDict()


def _of_entries(elements: bytes) -> Histogram:
    """Of many entries it is kept: an hour that is over comes with the same ones in every history, and to count them
    takes far longer than to see that."""
    if len(elements) < MANY_BYTES:
        return Histogram.of_entries(integers(elements))
    digest = sha256(elements).digest()
    histogram = _known.pop(digest, None) or Histogram.of_entries(integers(elements))
    _known[digest] = histogram
    if len(_known) > MOST_KNOWN:
        _known.popitem(last=False)
    return histogram
