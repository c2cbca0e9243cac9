"""Snapshots in which questions about figures are read, and from where each can be answered.

Whatever is read in one snapshot agrees with each other, however much is recorded or folded meanwhile.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from ..db import Connection, Database
from ..errors import BadInputError
from ..models.rollup import Tier
from .layers import AGENTS, PROJECTS
from .question import Question, Source
from .ranges import ResolvedRange
from .run_filter import Choice, ResolvedFilter, resolve_names
from .scope import Scope
from .spans import DAY, EVERYTHING_SINCE, HOUR, MINUTE, Bucket, Span, Spans, ceil, floor, split, within_horizon

HORIZON = f"""
    SELECT h.runs_since, h.cells_since,
        ARRAY(
            SELECT e.hour FROM unnest($2::timestamptz[]) AS e (hour)
            WHERE e.hour >= h.minutes_since
            AND NOT EXISTS (
                SELECT FROM project p JOIN rollup_stale s
                    ON s.tier = {Tier.PROJECT_HOUR:d} AND s.owner_id = p.id AND s.starts_at = e.hour)
            AND NOT EXISTS (
                SELECT FROM project p JOIN project_hour c ON c.project_id = p.id AND c.starts_at = e.hour
                WHERE NOT c.has_minutes)
            AND NOT EXISTS (
                SELECT FROM run_batch b
                WHERE b.started_from < e.hour + interval '1 hour' AND b.started_to >= e.hour)
        ) AS hours_with_minutes,
        set_config('plan_cache_mode', 'force_generic_plan', true), set_config('work_mem', '64MB', true),
        set_config('max_parallel_workers_per_gather', CASE WHEN $1 THEN setting ELSE '0' END, true)
    FROM run_horizon h, current_setting('max_parallel_workers_per_gather') AS setting"""
"""Which of some hours can be read from minutes ($2): those of which all ended runs are in them.

With settings for the statements that follow, to save round trips. To plan these anew takes longer than to execute
them. The users and sessions of a month of all agents do not fit in the usual memory. A plan for any range would be
spread over several processes, and to start these takes longer than to read the ends of hours."""

MANY_RUNS = DAY
"""Runs that started in a longer time are worth several processes."""


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
class Reading:
    """From what of its range a question is read, and of which runs.

    `spans` are empty where there is nothing to read; runs from before the `horizon` may have been dropped. Of the
    hours that the ends of the spans lie in, `hours_with_minutes` can be read from minutes of projects.
    """

    connection: Connection
    question: Question
    range: ResolvedRange
    where: ResolvedFilter
    spans: Spans
    horizon: datetime
    hours_with_minutes: frozenset[datetime]

    @property
    def is_nothing(self) -> bool:
        return self.spans.whole is None and not self.spans.ends

    @property
    def exact(self) -> bool:
        """Whether runs are all there is to read."""
        return self.spans.whole is None

    @property
    def range_before(self) -> ResolvedRange:
        return replace(self.question, range=self.range).range_before

    def minutes_of(self, end: Span) -> Span | None:
        """The whole minutes of an end, where it can be read from minutes of projects."""
        if floor(end.from_, HOUR) not in self.hours_with_minutes or not PROJECTS.can_answer(self.question):
            return None
        first, last = ceil(end.from_, MINUTE), floor(end.to, MINUTE)
        return Span(first, last) if first < last else None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of the database, and from when on it holds all runs and all cells."""

    connection: Connection
    runs_since: datetime
    cells_since: datetime
    hours_with_minutes: frozenset[datetime]

    def find(self, question: Question, where: ResolvedFilter) -> Reading:
        """What of a question can be read from where; `where` is its filter with the names looked up.

        Raises HorizonError for what takes dropped runs or cells.
        """
        range_ = within_horizon(question.range, self.runs_since)
        is_nothing = where.matches_nothing or range_.from_ >= range_.to
        spans = Spans(None, (), ()) if is_nothing else _spans(question, range_)
        if spans.whole is None and not is_nothing and question.range.from_ < self.runs_since:
            raise RunsHorizonError(self.runs_since)
        if not is_nothing and range_.from_ < self.cells_since and self.cells_since > EVERYTHING_SINCE:
            raise CellsHorizonError(self.cells_since)
        return Reading(self.connection, question, range_, where, spans, self.runs_since, self.hours_with_minutes)

    def find_with_before(self, question: Question, where: ResolvedFilter) -> list[Reading]:
        """The same, followed by that of the range before unless that takes dropped runs or cells."""
        reading = self.find(question, where)
        try:
            return [reading, self.find(replace(question, range=reading.range_before), where)]
        except HorizonError:
            return [reading]


@asynccontextmanager
async def snapshot(db: Database, question: Question | None = None) -> AsyncIterator[Snapshot]:
    """For a question that may take very many runs, and for others."""
    spread = question is not None and _takes_many_runs(question)
    async with db.snapshot() as connection:
        (row,) = await connection.fetch(HORIZON, spread, _cut_hours(question) if question else [])
        yield Snapshot(connection, row["runs_since"], row["cells_since"], frozenset(row["hours_with_minutes"]))


@asynccontextmanager
async def reading(db: Database, scope: Scope, question: Question) -> AsyncIterator[Reading]:
    """One question in a snapshot of its own. Raises HorizonError for what takes dropped runs or cells."""
    where = await resolved(db, scope, question)
    async with snapshot(db, question) as found:
        yield found.find(question, where)


async def resolved(db: Database, scope: Scope, question: Question) -> ResolvedFilter:
    """The question's filter with its names looked up, narrowed to its owners."""
    where = await resolve_names(db, scope, replace(question.where, range=None))
    owned = question.within or question.by
    if question.owners is None or owned is None:
        return where
    owners = Choice(f"r.{owned.lower()}_id", question.owners, "bigint")
    return replace(where, choices=[owners, *where.choices])


def _cut_hours(question: Question) -> list[datetime]:
    """Those that the ends of its range and of the one before cut, if minutes of projects are of use there."""
    if _takes_runs(question) or not PROJECTS.can_answer(question):
        return []
    range_, before = question.range, question.range_before
    ends = (range_.from_, range_.to, before.from_, before.to)
    return sorted({hour for end in ends if (hour := floor(end, HOUR)) != end})


def _takes_many_runs(question: Question) -> bool:
    return _takes_runs(question) and question.range.to - question.range.from_ > MANY_RUNS


def _takes_runs(question: Question) -> bool:
    """Whether only the runs can answer."""
    return question.source is Source.REALTIME or question.bucket is Bucket.MINUTE or not AGENTS.can_answer(question)


def _spans(question: Question, range_: ResolvedRange) -> Spans:
    if _takes_runs(question):
        return Spans(None, (), (Span(range_.from_, range_.to),))
    by_days = question.bucket in {None, Bucket.DAY, Bucket.WEEK} and not question.wants.people
    return split(range_, by_days=by_days)
