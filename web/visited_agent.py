"""The agent that a page is about, as its address names it."""

from dataclasses import dataclass

from formicary.errors import NotFoundError
from formicary.resolvers.agents import Agent

from .visit import Visit

MOST_ID = 2**63 - 1
"""Larger numbers are none of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitedAgent:
    """`project` is the slug of the project that it belongs to."""

    agent: Agent
    project: str


def agent_id(visit: Visit) -> int:
    return int(visit.request.path_params["agent_id"])


async def visited_agent(visit: Visit) -> VisitedAgent:
    """Raises NotFoundError where the visitor may see no such agent, or none in the project of the address."""
    loaders, id_ = visit.loaders(), agent_id(visit)
    agent = await loaders.agent.load(id_) if id_ <= MOST_ID else None
    project = await loaders.project.load(agent.project_id) if agent else None
    if agent is None or project is None:
        raise NotFoundError("There is no such agent, or you may not see it.")
    if visit.place.project not in {None, project.slug}:
        raise NotFoundError(f"This agent is not of the project {visit.place.project!r}.")
    return VisitedAgent(agent=agent, project=project.slug)
