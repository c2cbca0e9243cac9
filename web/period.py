"""The stretch of time that a page is about, as its address says it: `range=24h`, or `from=` and `to=`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from formicary.errors import BadInputError
from formicary.resolvers.figures import question_range
from formicary.resolvers.ranges import ResolvedRange, TimeRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import Bucket

from .formats import exact, minute

PRESETS = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
    "90d": timedelta(days=90),
}
DEFAULT = "24h"

LONGEST_BY = {Bucket.MINUTE: timedelta(hours=3), Bucket.HOUR: timedelta(days=8), Bucket.DAY: timedelta(days=120)}
"""Up to which length of a range its charts have a point a minute, hour or day; beyond, one a week."""


@dataclass(frozen=True, slots=True)
class Period:
    """A preset that ends now, or from one instant to another, or to now."""

    preset: str | None = DEFAULT
    from_: datetime | None = None
    to: datetime | None = None

    @classmethod
    def of(cls, params: Mapping[str, str]) -> Self:
        """Raises BadInputError for what is neither a preset nor a range of time."""
        preset, from_, to = (params.get(name) or None for name in ("range", "from", "to"))
        if from_ is None and to is None:
            return cls(_preset(preset or DEFAULT))
        if preset is not None:
            raise BadInputError("range: give either `range` or `from` and `to`, not both.")
        if from_ is None:
            raise BadInputError("from: is missing beside `to`.")
        return cls(None, _instant("from", from_), None if to is None else _instant("to", to))

    def range(self, now: datetime) -> ResolvedRange:
        """Raises BadInputError for more than 400 days, and for an end before the start."""
        if self.preset is not None:
            return ResolvedRange(now - PRESETS[self.preset], now)
        return question_range(TimeRange(from_=self.from_, to=self.to), RunFilter(), now)

    @property
    def time_range(self) -> TimeRange:
        """The same for a `RunFilter`."""
        if self.preset is not None:
            return TimeRange(last=PRESETS[self.preset] // timedelta(milliseconds=1))
        return TimeRange(from_=self.from_, to=self.to)

    @property
    def label(self) -> str:
        """For a person."""
        if self.from_ is None:
            return f"last {self.preset}"
        return f"{minute(self.from_)} – {'now' if self.to is None else minute(self.to)}"

    @property
    def params(self) -> dict[str, str]:
        """What says it in an address; nothing for the default."""
        if self.preset is not None:
            return {} if self.preset == DEFAULT else {"range": self.preset}
        ends = {"from": self.from_, "to": self.to}
        return {name: exact(at) for name, at in ends.items() if at is not None}


def bucket_of(range_: ResolvedRange) -> Bucket:
    """The step in which the charts of a page show a range."""
    length = range_.to - range_.from_
    return next((bucket for bucket, longest in LONGEST_BY.items() if length <= longest), Bucket.WEEK)


def _preset(name: str) -> str:
    if name not in PRESETS:
        raise BadInputError(f"range: {name[:40]!r} is none of {', '.join(PRESETS)}.")
    return name


def _instant(name: str, text: str) -> datetime:
    """Of UTC where the text names no zone."""
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError(f"{name}: {text[:40]!r} is not a time such as 2026-03-01T12:00Z.") from None
