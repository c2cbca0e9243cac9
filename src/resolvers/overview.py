"""All that a page shows of figures, of all agents or of one: those of a range, of the range before, and their course.

Everything is read in one snapshot, so that cards and charts agree. The figures of the range are put together from those
of its buckets; only users and sessions, which do not add up, and scores are read besides.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ..db import Database
from ..rollups.histogram import in_buckets
from . import figures, history
from .figures import Figures
from .history import Point
from .metrics import Metrics, Sums, total
from .question import Question, Wants
from .ranges import ResolvedRange
from .reading import resolved, snapshot
from .run_filter import RunFilter
from .scope import Scope
from .spans import Bucket

PEOPLE = Wants(people=True, pheromone=True, sums=frozenset())
"""Apart, since users and sessions are known by hours and agents only, the other figures by days and projects."""

COURSE = Wants(durations=True, pheromone=True)
BEFORE = Wants(durations=True)


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
) -> Overview:
    """Of all agents in the scope, those of one project, or one of them.

    Raises BadInputError for too many points, HorizonError for what takes dropped runs or cells.
    """
    history.check_length(range_, bucket)
    only = RunFilter(project=project, agent_id=None if agent_id is None else (agent_id,))
    question = Question(range_, only, wants=PEOPLE)
    where = await resolved(db, scope, question)
    async with snapshot(db) as found:
        whole = found.find(question, where)
        course = found.find(replace(question, bucket=bucket, wants=COURSE), where)
        earlier = replace(question, range=whole.range_before)
        before = [found.find_kept(replace(earlier, wants=wants), where) for wants in (PEOPLE, BEFORE)]
        answers = await figures.answers(scope, [whole, course, *(reading for reading in before if reading)])
    people, points, *previous = (answer.figures() for answer in answers)
    sums = _total(points.groups.values(), exact=whole.exact)
    return Overview(_metrics(sums, people, _previous(previous)), history.points(points))


def _total(parts: Iterable[Sums], *, exact: bool) -> Sums:
    """Of all buckets. Minutes have exact durations, also where a longer range has them in buckets."""
    sums = total(parts)
    if sums.exact and not exact:
        return sums._replace(durations=in_buckets(sums.durations or ()), exact=False)
    return sums


def _previous(answers: list[Figures]) -> Metrics | None:
    if not answers:
        return None
    people, before = answers
    return _metrics(before.metrics().sums, people)


def _metrics(sums: Sums, people: Figures, previous: Metrics | None = None) -> Metrics:
    """Both kinds of figures together."""
    of_people = people.metrics()
    sums = sums._replace(users=of_people.sums.users, sessions=of_people.sums.sessions)
    return Metrics(people.range, sums, of_people.average_pheromone, previous)
