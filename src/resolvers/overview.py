"""All that a page shows of figures, of all agents or of one: those of a range, of the range before, and their course.

Everything is read in one snapshot, so that cards and charts agree, and the figures of the ranges are put together from
those of their buckets.
"""

from dataclasses import dataclass, replace

from ..db import Database
from . import figures, history
from .history import Point
from .metrics import Metrics, total
from .question import Question, Wants
from .ranges import ResolvedRange
from .reading import Reading, Snapshot, resolved, snapshot
from .run_filter import ResolvedFilter, RunFilter
from .scope import Scope
from .spans import DAY, Bucket

FIGURES = Wants(durations=True, pheromone=True)
SCORES = Wants(pheromone=True, figures=False)

PEOPLE = Wants(people=True, sums=frozenset())
"""Apart, since users and sessions are known by hours and agents only, the other figures by days and projects."""


@dataclass(frozen=True, slots=True)
class Overview:
    """The figures of a range, with those of the range of equal length before, and of each of its buckets."""

    metrics: Metrics
    points: list[Point]


async def read(
    db: Database,
    scope: Scope,
    range_: ResolvedRange,
    bucket: Bucket,
    *,
    project: str | None = None,
    agent_id: int | None = None,
    people: bool = True,
    sums: frozenset[str] | None = None,
) -> Overview:
    """Of all agents in the scope, those of one project, or one of them.

    Users and sessions take longer than all the rest together: without `people` they are not read, and 0. `sums` are
    those that are wanted, None for all (see Wants).
    Raises BadInputError for too many points, HorizonError for what takes dropped runs or cells.
    """
    history.check_length(range_, bucket)
    question = Question(range_, _only(project, agent_id), wants=replace(FIGURES, sums=sums))
    where = await resolved(db, scope, question)
    async with snapshot(db, question) as found:
        overview = await _read(found, scope, question, where, bucket)
        if not people:
            return overview
        visitors = await _read_people(found, scope, question, where)
    return Overview(_with_people(overview.metrics, visitors), overview.points)


async def read_people(
    db: Database, scope: Scope, range_: ResolvedRange, *, project: str | None = None, agent_id: int | None = None
) -> Metrics:
    """The users and sessions of a range and of the one before, and no other figures, which are 0 or None."""
    question = Question(range_, _only(project, agent_id), wants=PEOPLE)
    where = await resolved(db, scope, question)
    async with snapshot(db, question) as found:
        return await _read_people(found, scope, question, where)


def _only(project: str | None, agent_id: int | None) -> RunFilter:
    return RunFilter(project=project, agent_id=None if agent_id is None else (agent_id,))


async def _read(found: Snapshot, scope: Scope, question: Question, where: ResolvedFilter, bucket: Bucket) -> Overview:
    now, *before = found.find_with_before(question, where)
    course = found.find(replace(question, bucket=bucket), where)
    adds_up = course.exact == now.exact  # minutes are exact where hours are not
    steps = [found.find(replace(each.question, bucket=_step(each.range)), where) for each in before]
    wholes = [_scores_of(now) if adds_up else now, *map(_scores_of, before)]
    of_course, *answers = await figures.answers(scope, [course, *wholes, *steps])
    of_range, *earlier = (answer.figures() for answer in answers)
    by_bucket = of_course.figures()
    metrics = of_range.metrics()
    if adds_up:
        metrics = replace(metrics, sums=total(by_bucket.groups.values()))
    if before:
        of_before, by_step = earlier
        previous = replace(of_before.metrics(), sums=total(by_step.groups.values()))
        metrics = replace(metrics, previous=previous)
    return Overview(metrics, history.points(by_bucket))


def _scores_of(reading: Reading) -> Reading:
    return replace(reading, question=replace(reading.question, wants=SCORES))


def _step(range_: ResolvedRange) -> Bucket:
    """What to put the figures of a range together from: steps that are over are the same in the next range too, and
    so their durations need not be counted again (see durations.py)."""
    return Bucket.HOUR if range_.to - range_.from_ <= 2 * DAY else Bucket.DAY


async def _read_people(found: Snapshot, scope: Scope, question: Question, where: ResolvedFilter) -> Metrics:
    readings = found.find_with_before(replace(question, wants=PEOPLE), where)
    now, *earlier = await figures.answers(scope, readings)
    return now.figures(0, *(answer.figures() for answer in earlier)).metrics()


def _with_people(metrics: Metrics, people: Metrics) -> Metrics:
    previous = metrics.previous
    if previous is not None and people.previous is not None:
        previous = _with_people(previous, people.previous)
    sums = metrics.sums._replace(users=people.sums.users, sessions=people.sums.sessions)
    return replace(metrics, sums=sums, previous=previous)
