"""The most frequent errors in the API."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from ..resolvers import error_groups, figures
from ..resolvers.error_groups import WhichErrors
from ..resolvers.loaders import ErrorsKey
from ..resolvers.page import MAX_PAGE_SIZE
from ..resolvers.question import Dimension
from .context import Info
from .metrics import WhichRange, WhichRuns
from .run_inputs import RunFilter, TimeRange, resolver_filter, time_range
from .scalars import BigInt, DateTime

if TYPE_CHECKING:
    from .run import Run

DEFAULT_GROUPS = 5

First = Annotated[
    int | None,
    strawberry.argument(description=f"How many, those that occurred most often: 0 to {MAX_PAGE_SIZE}."),
]
Parent = strawberry.Parent[error_groups.ErrorGroup]


async def read_top_errors(
    info: Info,
    range: WhichRange = None,  # noqa: A002
    filter: WhichRuns = None,  # noqa: A002
    first: First = DEFAULT_GROUPS,
) -> Any:
    return await error_groups.frequent(info.context.db, info.context.scope, _ask(info, range, filter, first))


def top_errors_of(owner: Dimension) -> Callable[..., Any]:
    """The resolver of the errors of an agent or a version; of siblings all together."""

    async def top_errors_of(
        root: strawberry.Parent[Any],
        info: Info,
        range: WhichRange = None,  # noqa: A002
        filter: WhichRuns = None,  # noqa: A002
        first: First = DEFAULT_GROUPS,
    ) -> Any:
        which = replace(_ask(info, range, filter, first), by=owner)
        return await info.context.loaders.errors.load(ErrorsKey(root.id, which))

    return top_errors_of


def _ask(info: Info, range_: TimeRange | None, where: RunFilter | None, first: int | None) -> WhichErrors:
    filter_ = resolver_filter(where)
    resolved = figures.question_range(time_range(range_), filter_, info.context.now)
    return WhichErrors(resolved, replace(filter_, range=None), DEFAULT_GROUPS if first is None else first)


async def _last_run(root: Parent, info: Info) -> Any:
    return await info.context.loaders.run.load((root.agent_id, root.run_id))


@strawberry.type(
    description="Failed and timed out runs with the same type of error and the same kind of message: the first 100 "
    "characters, in which ids, numbers, paths, URLs and times are replaced, so that `timeout after 1203 ms` and "
    "`timeout after 988 ms` are one. Runs that state a type and no message are grouped by it; those that state "
    "neither are in no group."
)
class ErrorGroup:
    message: str = strawberry.field(
        description="The first 100 characters of the message of the run that started last; empty where only a type "
        "was stated."
    )
    type: str | None = strawberry.field(description="The class of error; null where none was stated.")
    count: BigInt = strawberry.field(description="How many runs failed so.")
    first_at: DateTime = strawberry.field(description="When the first of these runs in the range started.")
    last_at: DateTime = strawberry.field(description="When the last of these runs in the range started.")
    last_run: Annotated["Run", strawberry.lazy(".run")] | None = strawberry.field(
        resolver=_last_run, description="The run that started last; null once retention has dropped it."
    )
