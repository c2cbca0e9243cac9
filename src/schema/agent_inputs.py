"""Which agents, and in which order."""

from typing import TypeVar

import strawberry

from ..resolvers import agents
from ..resolvers.agents import AgentStatus
from ..resolvers.page import Order
from .enums import AgentOrderField, Direction

T = TypeVar("T")


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


def agent_filter(where: AgentFilter | None) -> agents.AgentFilter:
    """The filter as the resolvers take it."""
    if where is None:
        return agents.AgentFilter()
    return agents.AgentFilter(
        project=where.project,
        name=_values(where.name),
        status=_values(where.status),
        search=where.search,
        focus_type=_values(where.focus_type),
    )


def agent_order(order_by: AgentOrder | None) -> Order[agents.Agent]:
    if order_by is None:
        return agents.ORDERS["NAME"]
    return agents.ordered(order_by.field.value, descending=order_by.direction is Direction.DESC)


def _values(values: list[T] | None) -> tuple[T, ...] | None:
    return None if values is None else tuple(values)
