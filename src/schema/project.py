"""Projects in the API."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import strawberry

from ..resolvers import agents, projects, versions
from ..resolvers.loaders import AgentCountKey, AgentsKey
from ..resolvers.page import PageArgs
from .agent_inputs import AgentFilter, AgentOrder, agent_filter, agent_order
from .context import Info
from .node import Node, global_id
from .paging import After, Before, Connection, First, Last, Listing
from .scalars import DateTime

if TYPE_CHECKING:
    from .agent import Agent

WhichAgents = Annotated[AgentFilter | None, strawberry.argument(description="Which agents; all if left out.")]
OrderOfAgents = Annotated[AgentOrder | None, strawberry.argument(description="In which order; by name if left out.")]
Parent = strawberry.Parent[projects.Project]


async def list_projects(
    info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
) -> Any:
    context = info.context
    page = await projects.page(context.db, context.scope, PageArgs(first, after, last, before))
    return Listing(page, lambda: projects.count(context.db, context.scope))


async def list_agents(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: WhichAgents = None,  # noqa: A002
    order_by: OrderOfAgents = None,
) -> Any:
    context, where = info.context, agent_filter(filter)
    args = PageArgs(first, after, last, before)
    page = await agents.page(context.db, context.scope, args, where, agent_order(order_by))
    return Listing(page, lambda: agents.count(context.db, context.scope, where))


async def list_agent_versions(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: WhichAgents = None,  # noqa: A002
) -> Any:
    context, where = info.context, agent_filter(filter)
    page = await versions.page(context.db, context.scope, PageArgs(first, after, last, before), where)
    return Listing(page, lambda: versions.count(context.db, context.scope, where))


async def agents_of_project(
    root: Parent,
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: WhichAgents = None,  # noqa: A002
    order_by: OrderOfAgents = None,
) -> Any:
    """The agents of one project; of siblings all together."""
    loaders, where, order = info.context.loaders, agent_filter(filter), agent_order(order_by)
    args = PageArgs(first, after, last, before)
    page = await loaders.agents.load(AgentsKey(root.id, args, where, order.name, order.descending))
    return Listing(page, lambda: loaders.agent_count.load(AgentCountKey(root.id, where)))


def _id(root: Parent) -> strawberry.ID:
    return global_id("Project", root.id)


@strawberry.type(description="A namespace of agents; an API key can be bound to it.")
class Project(Node):
    id: strawberry.ID = strawberry.field(resolver=_id, description="The global id.")
    slug: str = strawberry.field(description="The name by which runs refer to it.")
    name: str = strawberry.field(description="The name for people.")
    created_at: DateTime = strawberry.field(description="When it was first seen.")
    agents: Connection[Annotated["Agent", strawberry.lazy(".agent")]] = strawberry.field(
        resolver=agents_of_project, description="Its agents."
    )

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, projects.Project)


ProjectConnection: TypeAlias = Connection[Project]
