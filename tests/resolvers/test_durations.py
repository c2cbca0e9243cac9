"""Durations as they come from the database: the same bytes say the same, however often they were seen."""

from itertools import chain

from formicary.resolvers import durations
from formicary.resolvers.durations import MANY_BYTES, MOST_KNOWN, Durations
from formicary.rollups.histogram import BOUNDS, VALUES, pack

LENGTH = (4).to_bytes(4, "big")


def elements(*buckets: int) -> bytes:
    """As PostgreSQL sends arrays of integers: each number after its length."""
    entries = chain.from_iterable(pack(bucket, 1) for bucket in buckets)
    return b"".join(LENGTH + entry.to_bytes(4, "big") for entry in entries)


def test_what_was_counted_before_is_told_from_what_differs_in_one_entry() -> None:
    many = [5] * len(BOUNDS)
    for bucket in (5, 900, 5, 7):
        sent = elements(*many, bucket)
        assert len(sent) > MANY_BYTES
        histogram = Durations(sent, exact=False).histogram
        assert (histogram.quantile(1), histogram.counts[5]) == (
            VALUES[bucket],
            len(many) + (bucket == 5),
        )


def test_only_so_many_are_kept_and_those_that_were_asked_for_last() -> None:
    many = [5] * len(BOUNDS)
    first = Durations(elements(*many), exact=False).histogram
    for number in range(MOST_KNOWN - 1):
        assert Durations(elements(*many, *[6] * (number + 1)), exact=False).histogram.counts[6] == number + 1
    assert Durations(elements(*many), exact=False).histogram is first
    assert len(durations._known) == MOST_KNOWN
    assert Durations(elements(*many, 7), exact=False).histogram.counts[7] == 1
    assert len(durations._known) == MOST_KNOWN
    assert Durations(elements(*many), exact=False).histogram is first


def test_a_duration_that_is_a_number_stays_one() -> None:
    sent = b"".join((8).to_bytes(4, "big") + number.to_bytes(8, "big") for number in (7, 2**33))
    histogram = Durations(sent, exact=True).histogram
    assert [histogram.quantile(q) for q in (0.5, 1)] == [7, 2**33]
