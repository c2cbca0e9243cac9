"""Reading figures: a question about a range becomes one statement, and its rows become metrics.

Everything that shows a figure asks here, so that the same question has the same answer wherever it is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from ..db import Database
from ..errors import BadInputError
from . import pheromone
from .durations import Durations
from .figure_sql import FigureSql
from .metrics import NOTHING, Metrics, Sums
from .question import Group, Key, Question
from .ranges import ResolvedRange, TimeRange, resolve
from .reading import Reading, resolved, snapshot
from .run_filter import RunFilter
from .scope import Scope
from .spans import parts
from .statement import Statement

DEFAULT_RANGE = TimeRange(last=24 * 60 * 60 * 1000)

NEAR = ResolvedRange(datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
"""Far from the ends of the calendar, so that the range before and the last bucket lie within it too."""


@dataclass(frozen=True)
class Figures:
    """The answer to a question: the sums of each group that has runs, and the range that they are of."""

    question: Question
    range: ResolvedRange
    groups: Mapping[Group, Sums]
    pheromone: Mapping[Group, float]
    previous: "Figures | None" = None

    def metrics(self, key: Key = 0, bucket: datetime | None = None) -> Metrics:
        """Of one group; of its part of the range where figures are grouped by buckets.

        The previous ones are of the range of equal length just before, and of a bucket those of the bucket before (of
        the same part of it, for one that the range cuts).
        """
        group = key, bucket
        sums = self.groups.get(group, NOTHING)
        range_ = self.range if bucket is None or self.question.bucket is None else self.parts[bucket]
        return Metrics(range_, sums, self.pheromone.get(group), self._previous(key, bucket))

    @cached_property
    def parts(self) -> Mapping[datetime, ResolvedRange]:
        """By the start of each bucket that the range touches, in their order, what of it lies in the range."""
        return {} if self.question.bucket is None else parts(self.range, self.question.bucket)

    def _previous(self, key: Key, bucket: datetime | None) -> Metrics | None:
        if self.previous is None:
            return None
        length = self.question.bucket.length if self.question.bucket else timedelta()
        return self.previous.metrics(key, bucket - length if bucket else None)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read for a question, by its owners."""

    reading: Reading
    sums: Mapping[Key, Mapping[Group, Sums]]
    pheromone: Mapping[Key, Mapping[Group, float]]

    def figures(self, owner: Key = 0, previous: Figures | None = None) -> Figures:
        """Of one owner, 0 where the question is not within any."""
        sums, scores = self.sums.get(owner, {}), self.pheromone.get(owner, {})
        return Figures(self.reading.question, self.reading.range, sums, scores, previous)


async def read(db: Database, scope: Scope, question: Question) -> Figures:
    """The figures of a question that is not `within` anything.

    Raises HorizonError for what takes runs that have been dropped.
    """
    return (await read_each(db, scope, replace(question, within=None), (0,)))[0]


async def read_each(db: Database, scope: Scope, question: Question, owners: Sequence[int]) -> list[Figures]:
    """The figures of each of the question's owners, apart. Raises HorizonError as `read` does."""
    where = await resolved(db, scope, question)
    async with snapshot(db, question) as found:
        with_before = question.wants.previous
        readings = found.find_with_before(question, where) if with_before else [found.find(question, where)]
        answer, *previous = await answers(scope, readings)
    return [answer.figures(owner, *(each.figures(owner) for each in previous)) for owner in owners]


async def answers(scope: Scope, readings: Sequence[Reading]) -> list[Answer]:
    """What is found in one snapshot for questions by and within the same dimensions: two statements for all of them."""
    sums = await _read_sums(readings)
    scores = await pheromone.averages(
        readings[0].connection, scope, [replace(reading.question, range=reading.range) for reading in readings]
    )
    return [Answer(*found) for found in zip(readings, sums, scores, strict=True)]


def question_range(range_: TimeRange | None, where: RunFilter, now: datetime) -> ResolvedRange:
    """The range that is asked for, within the filter's own if it has one; by default the last 24 hours.

    Raises BadInputError for what `resolve` does not take, and for what lies so far off that no run can.
    """
    if where.range is None:
        return _near(resolve(range_ or DEFAULT_RANGE, now))
    filtered = _near(resolve(where.range, now))
    if range_ is None:
        return filtered
    asked = _near(resolve(range_, now))
    from_ = max(asked.from_, filtered.from_)
    return ResolvedRange(from_, max(from_, min(asked.to, filtered.to)))


def _near(range_: ResolvedRange) -> ResolvedRange:
    if range_.from_ < NEAR.from_ or range_.to > NEAR.to:
        raise BadInputError(f"range: figures are of the years {NEAR.from_.year} to {NEAR.to.year - 1}.")
    return range_


async def _read_sums(readings: Sequence[Reading]) -> list[dict[Key, dict[Group, Sums]]]:
    """For each reading by owner the sums of each group."""
    found: list[dict[Key, dict[Group, Sums]]] = [{} for _ in readings]
    asked = [number for number, each in enumerate(readings) if each.question.wants.figures and not each.is_nothing]
    if not asked:
        return found
    sql, args = _sql({number: readings[number] for number in asked})
    for number, owner, key, bucket, *sums, elements, users, sessions in await readings[0].connection.fetch(sql, *args):
        reading = readings[number]
        group = key, bucket if reading.question.bucket else None
        durations = Durations(elements, exact=reading.exact) if elements else None
        found[number].setdefault(owner, {})[group] = Sums._make((*sums, durations, users, sessions))
    return found


def _sql(readings: Mapping[int, Reading]) -> tuple[str, list[object]]:
    """The statement and its parameters. Its rows: the number of a reading, and what is told of a group of it."""
    statement = Statement()
    selects = []
    for number, reading in readings.items():
        select = FigureSql(reading, statement).build()
        selects.append(f"SELECT {number}, q.* FROM ({select}\n) q")
    return "\nUNION ALL\n".join(selects), statement.args
