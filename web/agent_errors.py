"""What an agent's runs failed of over the range, the most frequent first."""

from dataclasses import dataclass

from formicary.resolvers import error_groups
from formicary.resolvers.error_groups import ErrorGroup, WhichErrors
from formicary.resolvers.question import Dimension
from formicary.resolvers.run_filter import RunFilter

from .panels import Panel
from .visit import Visit
from .visited_agent import visited_agent

MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentErrorsContext:
    """At most `most` kinds of errors."""

    errors: list[ErrorGroup]
    most: int


async def read(visit: Visit) -> AgentErrorsContext:
    agent = (await visited_agent(visit)).agent
    which = WhichErrors(visit.range, RunFilter(), MOST, by=Dimension.AGENT)
    (errors,) = await error_groups.frequent_of(visit.database, visit.scope, which, [agent.id])
    return AgentErrorsContext(errors=errors, most=MOST)


ERRORS = Panel(name="errors", template="agent_errors.html", read=read)
