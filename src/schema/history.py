"""Histories in the API: figures bucket by bucket."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from ..resolvers import figures, history
from ..resolvers.loaders import FiguresKey
from ..resolvers.question import Dimension, Question
from ..resolvers.spans import Bucket
from .context import Info
from .metrics import Metrics, WhichRange, WhichRuns, ask
from .run_inputs import RunFilter, TimeRange
from .scalars import DateTime

WhichBucket = strawberry.argument(
    description=f"How long each point is. A history has at most {history.MOST_POINTS:,} points."
)


async def read_history(
    info: Info,
    range: WhichRange = None,  # noqa: A002
    bucket: Annotated[Bucket, WhichBucket] = Bucket.HOUR,
    filter: WhichRuns = None,  # noqa: A002
) -> Any:
    question = _ask(info, range, bucket, filter)
    return history.points(await figures.read(info.context.db, info.context.scope, question))


def history_of(owner: Dimension) -> Callable[..., Any]:
    """The resolver of the history of an agent or a version; of siblings all together."""

    async def history_of(
        root: strawberry.Parent[Any],
        info: Info,
        range: WhichRange = None,  # noqa: A002
        bucket: Annotated[Bucket | None, WhichBucket] = Bucket.HOUR,
        filter: WhichRuns = None,  # noqa: A002
    ) -> Any:
        key = FiguresKey(root.id, owner, _ask(info, range, bucket or Bucket.HOUR, filter))
        return history.points(await info.context.loaders.figures.load(key))

    return history_of


def _ask(info: Info, range_: TimeRange | None, bucket: Bucket, where: RunFilter | None) -> Question:
    question = replace(ask(info, range_, where, below="metrics."), bucket=bucket)
    history.check_length(question.range, bucket)
    return question


@strawberry.type(description="The figures of one bucket of time.")
class HistoryPoint:
    from_: DateTime = strawberry.field(
        name="from", description="Where the bucket starts: on a full minute, hour or day of UTC, or a Monday."
    )
    to: DateTime = strawberry.field(description="Where the bucket ends and the next one starts.")
    metrics: Metrics = strawberry.field(
        description="Figures of the runs that started in the bucket and in the range asked for; zeros and nulls where "
        "there are none."
    )
