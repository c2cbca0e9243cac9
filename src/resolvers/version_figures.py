"""The figures of some versions beside each other: over a range, and over each of its buckets, all in one snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..db import Database
from . import figures, history
from .history import Point
from .metrics import Metrics
from .question import Dimension, Question, Wants
from .ranges import ResolvedRange
from .reading import resolved, snapshot
from .scope import Scope
from .spans import Bucket


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """The figures of one version over a range, and of each of its buckets."""

    metrics: Metrics
    points: list[Point]


async def read(
    db: Database, scope: Scope, range_: ResolvedRange, bucket: Bucket, version_ids: Sequence[int]
) -> list[VersionFigures]:
    """In the order of the ids; of versions outside of the scope there are no runs.

    Raises BadInputError for too many points, HorizonError for what takes dropped runs or cells.
    """
    history.check_length(range_, bucket)
    question = Question(range_, by=Dimension.VERSION, owners=tuple(version_ids), wants=Wants(durations=True))
    where = await resolved(db, scope, question)
    async with snapshot(db) as found:
        readings = [found.find(each, where) for each in (question, replace(question, bucket=bucket))]
        whole, course = [answer.figures() for answer in await figures.answers(scope, readings)]
    return [VersionFigures(whole.metrics(id_), history.points(course, id_)) for id_ in version_ids]
