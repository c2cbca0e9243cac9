"""Which agents, and in which order."""

from dataclasses import replace

import strawberry

from ..resolvers import agents
from ..resolvers.agents import AgentStatus
from ..resolvers.page import Order
from .enums import AgentOrderField, Direction


@strawberry.input(description="Which agents. Of several values any may hold; of several fields all must.")
class AgentFilter:
    project: str | None = strawberry.field(default=None, description="The project's slug.")
    name: list[str] | None = strawberry.field(default=None, description="Exact names.")
    status: list[AgentStatus] | None = strawberry.field(default=None, description="How the agent stands.")
    search: str | None = strawberry.field(
        default=None, description="A text in the name or display name, in either case."
    )
    focus_type: list[str] | None = strawberry.field(default=None, description="What the agent is for.")


@strawberry.input(description="How to sort agents.")
class AgentOrder:
    field: AgentOrderField = strawberry.field(description="What to sort by.")
    direction: Direction = strawberry.field(default=Direction.ASC, description="Which way.")


def agent_filter(where: AgentFilter | None, *, project: str | None = None) -> agents.AgentFilter:
    """The filter as the resolvers take it; `project` wins over the filter's own."""
    if where is None:
        return agents.AgentFilter(project=project)
    return agents.AgentFilter(
        project=project or where.project,
        name=where.name,
        status=where.status,
        search=where.search,
        focus_type=where.focus_type,
    )


def agent_order(order_by: AgentOrder | None) -> Order[agents.Agent]:
    if order_by is None:
        return agents.ORDERS["NAME"]
    return replace(agents.ORDERS[order_by.field.value], descending=order_by.direction is Direction.DESC)
