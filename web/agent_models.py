"""With which providers and models an agent has run over the range, and how well."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from formicary.resolvers import breakdown, figures
from formicary.resolvers.breakdown import Row
from formicary.resolvers.question import Dimension, Question, Wants
from formicary.resolvers.reading import resolved, snapshot
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
    question = Question(visit.range, RunFilter(agent_id=(agent.id,)), wants=Wants(durations=True))
    where = await resolved(visit.database, visit.scope, question)
    async with snapshot(visit.database) as found:
        readings = [found.find(replace(question, by=by), where) for by in (Dimension.PROVIDER, Dimension.MODEL)]
        by_provider, by_model = await figures.answers(visit.scope, readings)
    return AgentModelsContext(
        agent_id=agent.id,
        providers=await breakdown.rows(visit.loaders(), by_provider.figures(), Dimension.PROVIDER, MOST),
        models=await breakdown.rows(visit.loaders(), by_model.figures(), Dimension.MODEL, MOST),
    )


MODELS = Panel(name="models", template="agent_models.html", read=read)
