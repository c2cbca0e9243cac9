"""How the providers, or the models, did over a range: beside each other, over time, and by what went wrong."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from ..db import Database
from . import breakdown, figures, history
from .figures import Answer, Figures
from .history import Point
from .loaders import Loaders
from .metrics import Metrics, Sums, total
from .question import Dimension, Group, Key, Question, Wants
from .ranges import ResolvedRange
from .reading import resolved, snapshot
from .run_filter import RunFilter
from .scope import Scope
from .spans import Bucket

DURATIONS = Wants(durations=True, sums=frozenset())
"""Apart, since they are not needed of every step of time; all else of the range adds up."""

COURSE = Wants()
ERRORS = Wants(sums=frozenset())


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """`type` is empty for failed runs that state none."""

    type: str
    runs: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one provider or model; `name` is empty for the runs that state none, `share` that of all runs.

    `errors` are the types of error, the most frequent first.
    """

    name: str
    share: float
    metrics: Metrics
    errors: list[ErrorCount]


@dataclass(frozen=True, slots=True)
class Course:
    """The figures of one provider or model over time, without durations."""

    name: str
    points: list[Point]


@dataclass(frozen=True, slots=True)
class Standings:
    """The ones with the most runs come first; `others` is the course of all runs that are in none of `courses`."""

    rows: list[Standing]
    courses: list[Course]
    others: Course
    is_cut: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichStandings:
    """`by` is the provider or the model; `first` so many have a row, and `drawn` so many a course of their own."""

    by: Dimension
    range: ResolvedRange
    bucket: Bucket
    project: str | None = None
    first: int = breakdown.DEFAULT_ROWS
    drawn: int = 4


async def read(db: Database, scope: Scope, which: WhichStandings) -> Standings:
    """All of it in one snapshot. Raises BadInputError for too many points, HorizonError for what is no longer kept."""
    history.check_length(which.range, which.bucket)
    question = Question(which.range, RunFilter(project=which.project), by=which.by, wants=DURATIONS)
    where = await resolved(db, scope, question)
    async with snapshot(db) as found:
        whole = found.find(question, where)
        course = found.find(replace(question, bucket=which.bucket, wants=COURSE), where)
        failures = found.find(replace(question, within=which.by, by=Dimension.ERROR_TYPE, wants=ERRORS), where)
        durations, over_time = (answer.figures() for answer in await figures.answers(scope, [whole, course]))
        (errors,) = await figures.answers(scope, [failures])
    of_range = _whole(durations, over_time)
    rows = await breakdown.rows(Loaders(db, scope), of_range, which.by, breakdown.size(which.first))
    drawn = [row.key for row in rows[: which.drawn]]
    return Standings(
        [Standing(row.key, row.share, row.metrics, _errors(errors, row.key)) for row in rows],
        [Course(name, _points(over_time, {name})) for name in drawn],
        Course("", _points(over_time, {key for key, _ in over_time.groups}.difference(drawn))),
        is_cut=len(of_range.groups) > len(rows),
    )


def _whole(durations: Figures, over_time: Figures) -> Figures:
    """The figures of the range: what adds up over time, and the durations."""
    steps: dict[Key, list[Sums]] = {}
    for (key, _), sums in over_time.groups.items():
        steps.setdefault(key, []).append(sums)
    return replace(
        durations,
        groups={
            (key, start): total(steps[key])._replace(durations=sums.durations)
            for (key, start), sums in durations.groups.items()
        },
    )


def _points(found: Figures, keys: Collection[Key]) -> list[Point]:
    """The figures over time of some keys together."""
    by_step: dict[Group, Sums] = {
        (0, start): total(found.groups[key, start] for key in keys if (key, start) in found.groups)
        for start in found.parts
    }
    return history.points(replace(found, groups=by_step))


def _errors(found: Answer, name: str) -> list[ErrorCount]:
    counts = [ErrorCount(str(type_), sums.runs) for (type_, _), sums in found.figures(name).groups.items()]
    return sorted(counts, key=lambda count: (-count.runs, count.type))
