"""Histories: figures bucket by bucket, without gaps."""

from dataclasses import dataclass
from datetime import datetime

from ..errors import BadInputError
from .figures import Figures
from .metrics import Metrics
from .question import Key
from .ranges import ResolvedRange
from .spans import Bucket, count

MOST_POINTS = 10_000


@dataclass(frozen=True, slots=True)
class Point:
    """A bucket from start to end, and the figures of its part within the range."""

    from_: datetime
    to: datetime
    metrics: Metrics


def check_length(range_: ResolvedRange, bucket: Bucket) -> None:
    """Raise BadInputError for a history of too many points."""
    number = count(range_, bucket)
    if number > MOST_POINTS:
        raise BadInputError(
            f"bucket: {bucket} over the range from {range_.from_.isoformat()} to {range_.to.isoformat()} makes"
            f" {number} points; at most {MOST_POINTS} are allowed. Ask for a longer bucket or a shorter range."
        )


def points(figures: Figures, key: Key = 0) -> list[Point]:
    """Of every bucket that the range touches, in their order. The question has a bucket, and the key's dimension."""
    bucket = figures.question.bucket
    if bucket is None:
        raise ValueError("these figures are not by buckets")
    length = bucket.length
    return [Point(start, start + length, figures.metrics(key, start)) for start in figures.parts]
