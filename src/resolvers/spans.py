"""Which parts of a range the tiers hold, and which have to be read from the runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from .ranges import ResolvedRange

MINUTE, HOUR, DAY, WEEK = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)

EVERYTHING_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""No run is older, and so says the horizon before anything was dropped."""

_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)
_MONDAY_BEFORE_EVERYTHING = "1999-12-27 00:00+00"


class Bucket(StrEnum):
    """The steps of a history; those of UTC, weeks from Monday on."""

    MINUTE = "MINUTE"
    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"

    @property
    def length(self) -> timedelta:
        return _LENGTHS[self]


_LENGTHS = {Bucket.MINUTE: MINUTE, Bucket.HOUR: HOUR, Bucket.DAY: DAY, Bucket.WEEK: WEEK}


def start_sql(bucket: Bucket, instant: str) -> str:
    """SQL for the start of the bucket that an instant lies in. `date_bin` takes a fifth of `date_trunc`'s time."""
    return f"date_bin('1 {bucket.lower()}', {instant}, '{_MONDAY_BEFORE_EVERYTHING}')"


@dataclass(frozen=True, slots=True)
class Span:
    """From `from_` (included) to `to` (not included), never empty."""

    from_: datetime
    to: datetime

    def without(self, part: "Span") -> tuple["Span", ...]:
        """What of it lies before and behind a part of it."""
        return _spans((self.from_, part.from_), (part.to, self.to))


@dataclass(frozen=True, slots=True)
class Spans:
    """A range in parts that adjoin: whole days, whole hours around them, and ends that are read from the runs."""

    days: Span | None
    hours: tuple[Span, ...]
    ends: tuple[Span, ...]

    @property
    def whole(self) -> Span | None:
        """Days and hours together: what the tiers hold."""
        held = [span for span in (self.days, *self.hours) if span is not None]
        return Span(min(span.from_ for span in held), max(span.to for span in held)) if held else None


def floor(moment: datetime, step: timedelta) -> datetime:
    """The start of the step of UTC that the moment lies in."""
    return moment - (moment - _MONDAY) % step


def ceil(moment: datetime, step: timedelta) -> datetime:
    return moment + (_MONDAY - moment) % step


def split(range_: ResolvedRange, *, by_days: bool) -> Spans:
    """The parts of a range; without days if these are of no use."""
    first, last = ceil(range_.from_, HOUR), floor(range_.to, HOUR)
    if first >= last:
        return Spans(None, (), _spans((range_.from_, range_.to)))
    ends = _spans((range_.from_, first), (last, range_.to))
    first_day, last_day = ceil(first, DAY), floor(last, DAY)
    if not by_days or first_day >= last_day:
        return Spans(None, _spans((first, last)), ends)
    return Spans(Span(first_day, last_day), _spans((first, first_day), (last_day, last)), ends)


def within_horizon(range_: ResolvedRange, horizon: datetime) -> ResolvedRange:
    """The range with each end that lies before the horizon moved back to the full hour: there are no runs to cut.

    Of a part of one hour the whole hour is left.
    """
    from_, to = (floor(end, HOUR) if end < horizon else end for end in (range_.from_, range_.to))
    return ResolvedRange(from_, from_ + HOUR if from_ == to and range_.from_ < range_.to else to)


@lru_cache(64)
def parts(range_: ResolvedRange, bucket: Bucket) -> Mapping[datetime, ResolvedRange]:
    """By the start of each bucket that a range touches, in their order, what of it lies in the range.

    Remembered, since many agents are asked about at once.
    """
    from_, to, length = range_.from_, range_.to, bucket.length
    return {start: ResolvedRange(max(start, from_), min(start + length, to)) for start in starts(range_, bucket)}


def starts(range_: ResolvedRange, bucket: Bucket) -> list[datetime]:
    """The starts of all buckets that a range touches."""
    first, step = floor(range_.from_, bucket.length), bucket.length
    return [first + number * step for number in range(count(range_, bucket))]


def count(range_: ResolvedRange, bucket: Bucket) -> int:
    """Of the buckets that a range touches."""
    if range_.from_ >= range_.to:
        return 0
    return (ceil(range_.to, bucket.length) - floor(range_.from_, bucket.length)) // bucket.length


def _spans(*ends: tuple[datetime, datetime]) -> tuple[Span, ...]:
    return tuple(Span(from_, to) for from_, to in ends if from_ < to)
