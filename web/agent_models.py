"""With which providers and models an agent has run over the range, and how well."""

from collections.abc import Sequence
from dataclasses import dataclass

from formicary.resolvers import breakdown, figures
from formicary.resolvers.breakdown import Row
from formicary.resolvers.question import Dimension, Question, Wants
from formicary.resolvers.run_filter import RunFilter

from .panels import Panel
from .visit import Visit
from .visited_agent import visited_agent

MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentModelsContext:
    """The rows of the most runs."""

    agent_id: int
    providers: Sequence[Row]
    models: Sequence[Row]


async def read(visit: Visit) -> AgentModelsContext:
    agent = (await visited_agent(visit)).agent
    return AgentModelsContext(
        agent_id=agent.id,
        providers=await _rows(visit, agent.id, Dimension.PROVIDER),
        models=await _rows(visit, agent.id, Dimension.MODEL),
    )


async def _rows(visit: Visit, agent_id: int, by: Dimension) -> list[Row]:
    question = Question(visit.range, RunFilter(agent_id=(agent_id,)), by=by, wants=Wants(durations=True))
    found = await figures.read(visit.database, visit.scope, question)
    return await breakdown.rows(visit.loaders(), found, by, MOST)


MODELS = Panel(name="models", template="agent_models.html", read=read)
