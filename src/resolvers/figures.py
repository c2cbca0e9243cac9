"""Reading figures: a question about a range becomes one statement, and its rows become metrics.

Everything that shows a figure asks here, so that the same question has the same answer wherever it is asked.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ..db import Connection, Database
from ..errors import BadInputError
from . import pheromone
from .figure_sql import FigureSql
from .layers import AGENTS
from .metrics import NOTHING, Metrics, Sums
from .question import Group, Key, Question, Source
from .ranges import ResolvedRange, TimeRange, resolve
from .run_filter import Choice, ResolvedFilter, RunFilter, resolve_names
from .scope import Scope
from .spans import EVERYTHING_SINCE, Bucket, Span, Spans, parts, split, within_horizon

HORIZON = """
    SELECT runs_since, cells_since,
        set_config('plan_cache_mode', 'force_generic_plan', true), set_config('work_mem', '64MB', true)
    FROM run_horizon"""
"""With settings for the next statement, to save round trips: to plan that anew takes longer than to execute it, and
the users and sessions of a month of all agents do not fit in the usual memory."""

DEFAULT_RANGE = TimeRange(last=24 * 60 * 60 * 1000)

NEAR = ResolvedRange(datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC))
"""Far from the ends of the calendar, so that the range before and the last bucket lie within it too."""


class HorizonError(BadInputError):
    """What is asked for is no longer kept."""


class RunsHorizonError(HorizonError):
    """What is asked for takes the runs themselves, and these have been dropped."""

    def __init__(self, horizon: datetime) -> None:
        since = f"{horizon:%Y-%m-%dT%H:%MZ}"
        super().__init__(
            f"range: the runs from before {since} have been dropped. For that time there are figures by project, agent,"
            " version, model, provider, status and error type, in hours or longer; other ones only from then on."
        )


class CellsHorizonError(HorizonError):
    """What is asked for is older than figures are kept."""

    def __init__(self, horizon: datetime) -> None:
        super().__init__(f"range: figures from before {horizon:%Y-%m-%dT%H:%MZ} are no longer kept.")


@dataclass(frozen=True, slots=True)
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

    @property
    def parts(self) -> Mapping[datetime, ResolvedRange]:
        """By the start of each bucket that the range touches, in their order, what of it lies in the range."""
        return {} if self.question.bucket is None else parts(self.range, self.question.bucket)

    def _previous(self, key: Key, bucket: datetime | None) -> Metrics | None:
        if self.previous is None:
            return None
        length = self.question.bucket.length if self.question.bucket else timedelta()
        return self.previous.metrics(key, bucket - length if bucket else None)


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot in which a question is read: from what of its range, and of which runs.

    `spans` are empty where there is nothing to read; runs from before the `horizon` may have been dropped.
    """

    connection: Connection
    question: Question
    range: ResolvedRange
    where: ResolvedFilter
    spans: Spans
    horizon: datetime

    @property
    def is_nothing(self) -> bool:
        return self.spans.whole is None and not self.spans.ends

    @property
    def exact(self) -> bool:
        """Whether runs are all there is to read."""
        return self.spans.whole is None

    def sums_sql(self) -> tuple[str, list[object]]:
        """The statement of the question's figures, and its parameters."""
        return FigureSql(self.question, self.where, self.spans, self.exact).build()


async def read(db: Database, scope: Scope, question: Question) -> Figures:
    """The figures of a question that is not `within` anything.

    Raises HorizonError for what takes runs that have been dropped.
    """
    return (await read_each(db, scope, replace(question, within=None), (0,)))[0]


async def read_each(db: Database, scope: Scope, question: Question, owners: Sequence[int]) -> list[Figures]:
    """The figures of each of the question's owners, apart. Raises HorizonError as `read` does."""
    range_, sums = await _read_sums(db, scope, question)
    wants = question.wants
    scores = await pheromone.averages(db, scope, replace(question, range=range_)) if wants.pheromone else {}
    before = await _read_before(db, scope, question, range_, owners) if wants.previous else [None] * len(owners)
    return [
        Figures(question, range_, sums.get(owner, {}), scores.get(owner, {}), previous)
        for owner, previous in zip(owners, before, strict=True)
    ]


async def _read_before(
    db: Database, scope: Scope, question: Question, range_: ResolvedRange, owners: Sequence[int]
) -> Sequence[Figures | None]:
    """The previous figures; None where they take runs that have been dropped."""
    try:
        return await read_each(db, scope, _before(question, range_), owners)
    except HorizonError:
        return [None] * len(owners)


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


def _before(question: Question, range_: ResolvedRange) -> Question:
    """The same of the range of equal length just before; each bucket's of the bucket before."""
    length = question.bucket.length if question.bucket else range_.to - range_.from_
    earlier = ResolvedRange(range_.from_ - length, range_.to - length)
    return replace(question, range=earlier, wants=replace(question.wants, previous=False))


@asynccontextmanager
async def reading(db: Database, scope: Scope, question: Question) -> AsyncIterator[Reading]:
    """Find out what of a question can be read from where. Raises HorizonError for what takes dropped runs."""
    where = await _resolved(db, scope, question)
    async with db.snapshot() as connection:
        (row,) = await connection.fetch(HORIZON)
        horizon: datetime = row["runs_since"]
        range_ = within_horizon(question.range, horizon)
        is_nothing = where.matches_nothing or range_.from_ >= range_.to
        spans = Spans(None, (), ()) if is_nothing else _spans(question, range_)
        if spans.whole is None and not is_nothing and question.range.from_ < horizon:
            raise RunsHorizonError(horizon)
        if not is_nothing and range_.from_ < row["cells_since"] and row["cells_since"] > EVERYTHING_SINCE:
            raise CellsHorizonError(row["cells_since"])
        yield Reading(connection, question, range_, where, spans, horizon)


async def _resolved(db: Database, scope: Scope, question: Question) -> ResolvedFilter:
    where = await resolve_names(db, scope, replace(question.where, range=None))
    owned = question.within or question.by
    if question.owners is None or owned is None:
        return where
    owners = Choice(f"r.{owned.lower()}_id", question.owners, "bigint")
    return replace(where, choices=[owners, *where.choices])


async def _read_sums(
    db: Database, scope: Scope, question: Question
) -> tuple[ResolvedRange, dict[int, dict[Group, Sums]]]:
    """The range as it can be answered, and by owner the sums of each group."""
    async with reading(db, scope, question) as found:
        if found.is_nothing:
            return found.range, {}
        exact = found.exact
        sql, args = found.sums_sql()
        rows = await found.connection.fetch(sql, *args)
    sums: dict[int, dict[Group, Sums]] = {}
    for row in rows:
        sums.setdefault(row[0], {})[row[1], row[2] if question.bucket else None] = Sums._make((*row[3:], exact))
    return found.range, sums


def _spans(question: Question, range_: ResolvedRange) -> Spans:
    only_runs = (
        question.source is Source.REALTIME or question.bucket is Bucket.MINUTE or not AGENTS.can_answer(question)
    )
    if only_runs:
        return Spans(None, (), (Span(range_.from_, range_.to),))
    by_days = question.bucket in {None, Bucket.DAY, Bucket.WEEK} and not question.wants.people
    return split(range_, by_days=by_days)
