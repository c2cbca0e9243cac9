"""What can be asked: a list of what the subjects offer."""

import asyncio
from typing import Annotated, Any

import strawberry

from ..errors import LimitError
from ..resolvers import agents
from .activity import Activity, list_activities
from .agent import Agent, AgentConnection
from .breakdown import BreakdownRow, read_breakdown
from .context import Info
from .error_group import ErrorGroup, read_top_errors
from .history import HistoryPoint, read_history
from .lifetime import Lifetime, read_lifetime
from .metrics import Metrics, read_metrics
from .model_price import ModelPrice, list_model_prices
from .node import Node, number, parse_global_id, two_numbers
from .project import ProjectConnection, list_agent_versions, list_agents, list_projects
from .run import RunConnection, list_runs
from .stat import STATS, Stat, read_stats
from .system import SystemStatus, read_system
from .version import AgentVersionConnection

MAX_NODES = 500


async def find_node(
    info: Info,
    id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")],  # noqa: A002
) -> Any:
    """The thing with this id; None for what is no id, does not exist, or lies outside the caller's projects."""
    loaders = info.context.loaders
    try:
        type_name, key = parse_global_id(id)
        match type_name:
            case "Run":
                return await loaders.run.load(two_numbers(key))
            case "Agent":
                return await loaders.agent.load(number(key))
            case "AgentVersion":
                return await loaders.version.load(number(key))
            case "Project":
                return await loaders.project.load(number(key))
            case "ModelPrice":
                return await loaders.model_price.load(key)
    except ValueError:
        return None
    return None


async def find_nodes(
    info: Info,
    ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 500 global ids.")],
) -> Any:
    if len(ids) > MAX_NODES:
        raise LimitError(f"ids: {len(ids)} are more than the {MAX_NODES} that are allowed.")
    return await asyncio.gather(*(find_node(info, id_) for id_ in ids))


async def find_agent(
    info: Info,
    name: Annotated[str, strawberry.argument(description="The agent's name.")],
    project: Annotated[str, strawberry.argument(description="The project's slug.")] = "default",
) -> Any:
    return await agents.by_name(info.context.db, info.context.scope, project, name)


@strawberry.type(description="What can be read.")
class Query:
    node: Node | None = strawberry.field(
        resolver=find_node, description="The thing with this global id; null where there is none for the caller."
    )
    nodes: list[Node | None] = strawberry.field(
        resolver=find_nodes, description="Things by their global ids, in that order."
    )
    projects: ProjectConnection = strawberry.field(resolver=list_projects, description="Projects by slug.")
    agents: AgentConnection = strawberry.field(resolver=list_agents, description="Agents over all projects.")
    agent: Agent | None = strawberry.field(resolver=find_agent, description="One agent by project and name.")
    runs: RunConnection = strawberry.field(resolver=list_runs, description="Runs over all agents.")
    metrics: Metrics = strawberry.field(
        resolver=read_metrics, description="Figures of the runs that started in a range, over all agents."
    )
    history: list[HistoryPoint] = strawberry.field(
        resolver=read_history, description="The same bucket by bucket, without gaps."
    )
    breakdown: list[BreakdownRow] = strawberry.field(
        resolver=read_breakdown, description="The same by a dimension, the most runs first."
    )
    top_errors: list[ErrorGroup] = strawberry.field(
        resolver=read_top_errors, description="What failed runs of a range failed of, the most frequent first."
    )
    lifetime: Lifetime = strawberry.field(resolver=read_lifetime, description="Figures of all runs that ever started.")
    stats: list[Stat] = strawberry.field(resolver=read_stats, description=STATS)
    recent_activity: list[Activity] = strawberry.field(
        resolver=list_activities, description="What happened last: runs by their starts, the newest first."
    )
    agent_versions: AgentVersionConnection = strawberry.field(
        resolver=list_agent_versions, description="Versions of all agents, the one registered last first."
    )
    system: SystemStatus = strawberry.field(resolver=read_system, description="How the whole is doing.")
    model_prices: list[ModelPrice] = strawberry.field(
        resolver=list_model_prices, description="Prices that were set, then the built-in ones of today."
    )
