"""Versions of agents in the API."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from ..resolvers import versions
from ..resolvers.question import Dimension
from .context import Info
from .error_group import ErrorGroup, top_errors_of
from .history import HistoryPoint, history_of
from .lifetime import Lifetime, lifetime_of
from .metrics import Metrics, metrics_of
from .node import Node, global_id
from .paging import Connection
from .run import RunConnection, runs_by
from .scalars import DateTime

if TYPE_CHECKING:
    from .agent import Agent

Parent = strawberry.Parent[versions.AgentVersion]


def _id(root: Parent) -> strawberry.ID:
    return global_id("AgentVersion", root.id)


async def _agent(root: Parent, info: Info) -> Any:
    return await info.context.loaders.agent.load(root.agent_id)


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
    runs: RunConnection = strawberry.field(resolver=runs_by("version_id"), description="Its runs.")
    metrics: Metrics = strawberry.field(resolver=metrics_of(Dimension.VERSION), description="Figures of its runs.")
    history: list[HistoryPoint] = strawberry.field(
        resolver=history_of(Dimension.VERSION), description="The same bucket by bucket, without gaps."
    )
    top_errors: list[ErrorGroup] = strawberry.field(
        resolver=top_errors_of(Dimension.VERSION),
        description="What its failed runs failed of, the most frequent first.",
    )
    lifetime: Lifetime = strawberry.field(
        resolver=lifetime_of(Dimension.VERSION), description="Figures of all its runs ever."
    )

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, versions.AgentVersion)


AgentVersionConnection: TypeAlias = Connection[AgentVersion]
