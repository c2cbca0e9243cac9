"""One agent: how it stands, what its runs come to over a range, its versions, its errors and its last runs."""

from dataclasses import dataclass

from formicary.resolvers.agents import Agent, AgentStatus
from formicary.resolvers.question import Dimension

from . import agent_errors, agent_figures, agent_models, agent_runs, agent_score, agent_versions, download
from .download import Download
from .pages import Page
from .panels import Panel
from .visit import Visit
from .visited_agent import visited_agent


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentContext:
    """What the page shows beside its panels."""

    agent: Agent


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingContext:
    """`project` is a slug."""

    agent: Agent
    project: str


async def read(visit: Visit) -> AgentContext:
    return AgentContext(agent=(await visited_agent(visit)).agent)


async def read_standing(visit: Visit) -> StandingContext:
    found = await visited_agent(visit)
    return StandingContext(agent=found.agent, project=found.project)


def title(context: StandingContext) -> str:
    """Says in the tab that the agent fails."""
    name = context.agent.display_name
    return f"(!) {name}" if context.agent.status is AgentStatus.ERROR else name


STANDING = Panel(name="standing", template="agent_standing.html", read=read_standing, title=title)


def downloads(visit: Visit) -> list[Download]:
    agent_id = visit.request.path_params["agent_id"]
    return [
        download.figures(visit, "Figures over time", agent_id=agent_id),
        download.figures(visit, "Figures of each version", Dimension.VERSION, agent_id=agent_id),
        download.runs(visit, agent_id=agent_id),
    ]


PAGE = Page(
    path="/agents/{agent_id:int}",
    downloads=downloads,
    template="agent.html",
    title="Agent",
    nav="agents",
    panels=(
        STANDING,
        agent_figures.FIGURES,
        agent_score.SCORE,
        agent_versions.VERSIONS,
        agent_errors.ERRORS,
        agent_models.MODELS,
        agent_runs.RUNS,
    ),
    read=read,
    has_project=False,
)
