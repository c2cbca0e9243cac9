"""What can be asked of the figures."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from .ranges import ResolvedRange
from .run_filter import RunFilter
from .spans import Bucket

Key: TypeAlias = int | str
"""Of a dimension: the id of an agent, version or project, a status' code, or a text, '' for runs that state none."""

Group: TypeAlias = tuple[Key, datetime | None]
"""A key and the start of a bucket. The key is 0 where figures are of no dimension, the start None without buckets."""


class Dimension(StrEnum):
    """What figures can be broken down by."""

    AGENT = "AGENT"
    VERSION = "VERSION"
    MODEL = "MODEL"
    PROVIDER = "PROVIDER"
    STATUS = "STATUS"
    ERROR_TYPE = "ERROR_TYPE"
    INITIATOR = "INITIATOR"
    PROJECT = "PROJECT"


class Source(StrEnum):
    """Where figures come from: STORED is what was folded so far, REALTIME the runs, AUTO both, whatever is faster."""

    AUTO = "AUTO"
    STORED = "STORED"
    REALTIME = "REALTIME"


@dataclass(frozen=True, slots=True)
class Wants:
    """The dearer parts, which are read only if they are asked for, and which of the cheaper ones are.

    `sums` are fields of `Sums` (see metrics.py) beside the numbers of runs, None for all; the others are None then.
    Without `figures` nothing is read but scores, if these are wanted.
    """

    durations: bool = False
    people: bool = False
    pheromone: bool = False
    previous: bool = False
    sums: frozenset[str] | None = None
    figures: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """Which runs, and how their figures are grouped: by a dimension, by buckets of time, by both or not at all.

    The runs started in `range`; the filter's own range is of no account here. By agent, version or project, `owners`
    are the ids of those that are asked about; None is for all. `within` one of these three, the owners are of that,
    and each has figures apart, by whatever dimension; within any other dimension, each of its values has.
    """

    range: ResolvedRange
    where: RunFilter = field(default_factory=RunFilter)
    by: Dimension | None = None
    bucket: Bucket | None = None
    wants: Wants = field(default_factory=Wants)
    source: Source = Source.AUTO
    owners: tuple[int, ...] | None = None
    within: Dimension | None = None

    @property
    def range_before(self) -> ResolvedRange:
        """Of equal length, just before; by buckets one bucket earlier, so that each has the one before."""
        length = self.bucket.length if self.bucket else self.range.to - self.range.from_
        return ResolvedRange(self.range.from_ - length, self.range.to - length)

    @property
    def fields(self) -> set[str]:
        """The fields by which the filter narrows."""
        names = set(RunFilter.__dataclass_fields__) - {"range"}
        return {name for name in names if getattr(self.where, name) is not None}
