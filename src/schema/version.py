"""Versions of agents in the API."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from ..resolvers import versions
from ..resolvers.page import PageArgs
from .context import Info
from .node import Node, global_id
from .paging import After, Before, Connection, First, Last
from .run import OrderOfRuns, RunConnection, WhichRuns, runs_of
from .scalars import DateTime

if TYPE_CHECKING:
    from .agent import Agent

Parent = strawberry.Parent[versions.AgentVersion]


def _id(root: Parent) -> strawberry.ID:
    return global_id("AgentVersion", root.id)


async def _agent(root: Parent, info: Info) -> Any:
    return await info.context.loaders.agent.load(root.agent_id)


async def _runs(
    root: Parent,
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: WhichRuns = None,  # noqa: A002
    order_by: OrderOfRuns = None,
) -> Any:
    return await runs_of(info, "version_id", root.id, PageArgs(first, after, last, before), filter, order_by)


@strawberry.type(description="A version of an agent.")
class AgentVersion(Node):
    id: strawberry.ID = strawberry.field(resolver=_id, description="The global id.")
    agent: Annotated["Agent", strawberry.lazy(".agent")] = strawberry.field(
        resolver=_agent, description="The agent it is a version of."
    )
    version: str = strawberry.field(description="Its name; `unversioned` where runs stated none.")
    cluster: str | None = strawberry.field(description="Where it is deployed.")
    deployment: str | None = strawberry.field(description="The deployment.")
    tools: list[str] = strawberry.field(description="The tools it was registered with.")
    models: list[str] = strawberry.field(description="The models it was registered with.")
    created_at: DateTime = strawberry.field(description="When it was first seen.")
    last_seen_at: DateTime | None = strawberry.field(description="When a run of it was last active.")
    is_active: bool = strawberry.field(description="Whether a run of it was active in the last seven days.")
    runs: RunConnection = strawberry.field(resolver=_runs, description="Its runs.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, versions.AgentVersion)


AgentVersionConnection: TypeAlias = Connection[AgentVersion]
