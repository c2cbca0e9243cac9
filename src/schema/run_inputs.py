"""Which runs, and in which order."""

from decimal import Decimal as PythonDecimal

import strawberry

from ..errors import BadInputError
from ..models.run import RunStatus
from ..resolvers import ranges, run_filter, runs, sql_value
from ..resolvers.page import Order
from .enums import Direction, RunOrderField
from .node import id_argument
from .scalars import DateTime, Decimal, Duration

MAX_VALUES = 1_000
MAX_TEXT = 200


@strawberry.input(
    description="Both ends given, or `last` counted back from now, or `from` alone up to now. At most 400 days. "
    "Where a figure is asked for without any: the last 24 hours."
)
class TimeRange:
    last: Duration | None = strawberry.field(default=None, description="So long, counted back from now.")
    from_: DateTime | None = strawberry.field(default=None, name="from", description="The start, included.")
    to: DateTime | None = strawberry.field(default=None, description="The end, not included.")


@strawberry.input(description="Which runs. Of several values any may hold; of several fields all must.")
class RunFilter:
    project: str | None = strawberry.field(default=None, description="The project's slug.")
    agent: list[str] | None = strawberry.field(default=None, description="Names of agents.")
    agent_id: list[strawberry.ID] | None = strawberry.field(default=None, description="Global ids of agents.")
    version: list[str] | None = strawberry.field(default=None, description="Versions.")
    status: list[RunStatus] | None = strawberry.field(default=None, description="How far the run has come.")
    model: list[str] | None = strawberry.field(default=None, description="Models.")
    provider: list[str] | None = strawberry.field(default=None, description="Providers.")
    initiator: list[str] | None = strawberry.field(default=None, description="Who or what started the run.")
    user: list[str] | None = strawberry.field(default=None, description="End users, by `userId`.")
    session: list[str] | None = strawberry.field(default=None, description="Sessions, by `sessionId`.")
    trace_id: str | None = strawberry.field(default=None, description="The trace.")
    task_id: str | None = strawberry.field(default=None, description="The task.")
    external_id: list[str] | None = strawberry.field(default=None, description="The callers' own ids.")
    error_type: list[str] | None = strawberry.field(default=None, description="Classes of error.")
    error_text: str | None = strawberry.field(
        default=None,
        description="Words of the error message, in either case; all must occur, the last one may be only begun.",
    )
    tool: list[str] | None = strawberry.field(default=None, description="Tools of which the run called at least one.")
    min_duration_ms: float | None = strawberry.field(default=None, description="At least so many milliseconds.")
    max_duration_ms: float | None = strawberry.field(default=None, description="At most so many milliseconds.")
    min_cost: Decimal | None = strawberry.field(default=None, description="At least so much, in USD.")
    range: TimeRange | None = strawberry.field(default=None, description="When the run started; ever if left out.")


@strawberry.input(description="How to sort runs.")
class RunOrder:
    field: RunOrderField = strawberry.field(description="What to sort by.")
    direction: Direction = strawberry.field(default=Direction.DESC, description="Which way.")


def resolver_filter(where: RunFilter | None) -> run_filter.RunFilter:
    """The filter as the resolvers take it. Raises BadInputError."""
    if where is None:
        return run_filter.RunFilter()
    if where.error_text is not None and len(where.error_text) > MAX_TEXT:
        raise BadInputError(
            f"filter.errorText: has {len(where.error_text)} characters; at most {MAX_TEXT} are allowed."
        )
    return run_filter.RunFilter(
        project=where.project,
        agent_id=_ids(where.agent_id),
        status=None if where.status is None else tuple(where.status),
        trace_id=where.trace_id,
        task_id=where.task_id,
        error_text=where.error_text,
        min_duration_ms=where.min_duration_ms,
        max_duration_ms=where.max_duration_ms,
        min_cost=_cost(where.min_cost),
        range=time_range(where.range),
        agent=_values("agent", where.agent),
        version=_values("version", where.version),
        model=_values("model", where.model),
        provider=_values("provider", where.provider),
        initiator=_values("initiator", where.initiator),
        user=_values("user", where.user),
        session=_values("session", where.session),
        external_id=_values("externalId", where.external_id),
        error_type=_values("errorType", where.error_type),
        tool=_values("tool", where.tool),
    )


def _cost(cost: Decimal | None) -> PythonDecimal | None:
    try:
        return None if cost is None else sql_value.numeric(cost)
    except ValueError:
        raise BadInputError("filter.minCost: its exponent is out of range.") from None


def time_range(range_: TimeRange | None) -> ranges.TimeRange | None:
    return None if range_ is None else ranges.TimeRange(range_.last, range_.from_, range_.to)


def run_order(order_by: RunOrder | None) -> Order[runs.Run]:
    if order_by is None:
        return runs.NEWEST_FIRST
    return runs.ordered(order_by.field.value, descending=order_by.direction is Direction.DESC)


def _values(field: str, values: list[str] | None) -> tuple[str, ...] | None:
    if values is not None and len(values) > MAX_VALUES:
        raise BadInputError(f"filter.{field}: {len(values)} values; at most {MAX_VALUES} are allowed.")
    return None if values is None else tuple(dict.fromkeys(values))


def _ids(ids: list[strawberry.ID] | None) -> tuple[int, ...] | None:
    if ids is None:
        return None
    if len(ids) > MAX_VALUES:
        raise BadInputError(f"filter.agentId: {len(ids)} values; at most {MAX_VALUES} are allowed.")
    return tuple(dict.fromkeys(id_argument("filter.agentId", id_, "Agent") for id_ in ids))
