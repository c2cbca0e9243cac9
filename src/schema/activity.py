"""What happened last, in the API."""

from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from ..models.run import RunStatus
from ..resolvers import activities
from ..resolvers.page import MAX_PAGE_SIZE
from .context import Info
from .node import global_id
from .run import WhichRuns
from .run_inputs import resolver_filter
from .scalars import DateTime, Decimal

if TYPE_CHECKING:
    from .agent import Agent
    from .run import Run

DEFAULT_ACTIVITIES = 20

Parent = strawberry.Parent[activities.Activity]


async def list_activities(
    info: Info,
    first: Annotated[
        int | None, strawberry.argument(description=f"How many: 0 to {MAX_PAGE_SIZE}.")
    ] = DEFAULT_ACTIVITIES,
    filter: WhichRuns = None,  # noqa: A002
) -> Any:
    context, size = info.context, DEFAULT_ACTIVITIES if first is None else first
    return await activities.recent(context.db, context.scope, size, resolver_filter(filter))


def _id(root: Parent) -> strawberry.ID:
    return global_id("Activity", root.run.agent_id, root.run.id)


async def _agent(root: Parent, info: Info) -> Any:
    return await info.context.loaders.agent.load(root.run.agent_id)


@strawberry.type(description="A run, as something that its agent did.")
class Activity:
    id: strawberry.ID = strawberry.field(
        resolver=_id, description="Tells it from others; the same as long as the run is kept. Not for `node`."
    )
    run: Annotated["Run", strawberry.lazy(".run")] = strawberry.field(description="The run.")
    agent: Annotated["Agent", strawberry.lazy(".agent")] = strawberry.field(
        resolver=_agent, description="The agent that ran."
    )
    action: str = strawberry.field(
        description="What the agent did, to be read after its name: `completed`, `failed`, `timed out`, "
        "`was cancelled`, `started` or `was queued`."
    )
    status: RunStatus = strawberry.field(description="How far the run has come.")
    at: DateTime = strawberry.field(description="When the run started, which is the order of the list.")
    duration_ms: float | None = strawberry.field(description="How long it took, in whole milliseconds.")
    cost: Decimal | None = strawberry.field(description="USD; null where it is unknown.")
