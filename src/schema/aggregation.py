"""Making stored figures anew, over the API."""

from typing import Annotated, Any

import strawberry

from ..errors import NotFoundError
from ..resolvers import aggregations
from ..resolvers.ranges import TimeRange as AskedRange
from ..resolvers.ranges import resolve
from .context import Info
from .node import id_argument
from .run_inputs import TimeRange, time_range
from .scalars import DateTime

AGGREGATE = (
    "Make the stored figures of a range anew, exactly, for all agents or one. Figures are kept up to date by "
    "themselves; this is for who does not trust them. Hours of which retention has dropped runs cannot be made anew "
    "and stay as they are: the answer names the part that was."
)


async def aggregate(
    info: Info,
    input: Annotated["AggregateInput", strawberry.argument(description="Which figures.")],  # noqa: A002
) -> Any:
    context = info.context
    range_ = resolve(time_range(input.range) or AskedRange(), context.now)
    agent_id = None if input.agent_id is None else id_argument("agentId", input.agent_id, "Agent")
    if agent_id is not None and await context.loaders.agent.load(agent_id) is None:
        raise NotFoundError("agentId: there is no such agent.")
    return await aggregations.make_anew(context.db, range_, agent_id)


@strawberry.input(description="Which stored figures to make anew.")
class AggregateInput:
    range: TimeRange = strawberry.field(description="Of which time: all hours that it touches, and their days.")
    agent_id: strawberry.ID | None = strawberry.field(
        default=None, description="Of which agent, by its global id; of all if left out."
    )


@strawberry.type(description="What was made anew.")
class AggregatePayload:
    from_: DateTime = strawberry.field(name="from", description="The start of the first hour that was made anew.")
    to: DateTime = strawberry.field(description="The end of the last one.")
    buckets: int = strawberry.field(
        description="How many cells were made: of an hour or a day that is over, an agent, version, model, provider, "
        "status and error type each."
    )
    duration_ms: float = strawberry.field(description="How long it took, in milliseconds.")
