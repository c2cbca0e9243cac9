"""The agents as cards, best pheromone score first."""

from dataclasses import dataclass

from formicary.resolvers import agents
from formicary.resolvers.agents import AgentCard, AgentStatus

from .first_run import first_run
from .pages import Page
from .panels import Panel
from .visit import Visit

LIMIT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsContext:
    """`failing` are those of `agents` that need a person; `first_run` is a command for a shell."""

    agents: list[AgentCard]
    failing: list[AgentCard]
    first_run: str
    is_cut: bool


async def context(visit: Visit) -> AgentsContext:
    cards = await agents.cards(visit.database, visit.scope, project=visit.place.project, limit=LIMIT)
    return AgentsContext(
        agents=cards,
        failing=[card for card in cards if card.status is AgentStatus.ERROR],
        first_run=first_run(visit),
        is_cut=len(cards) == LIMIT,
    )


def title(context: AgentsContext) -> str:
    return f"({len(context.failing)}) Agents" if context.failing else "Agents"


AGENTS = Panel(name="agents", template="agents_panel.html", read=context, title=title)

PAGE = Page(path="/agents", template="agents.html", title="Agents", nav="agents", panels=(AGENTS,), has_period=False)
