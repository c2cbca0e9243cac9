"""Two versions of an agent side by side over one range."""

from collections.abc import Sequence
from dataclasses import dataclass

from formicary.resolvers import error_groups
from formicary.resolvers.agents import Agent
from formicary.resolvers.error_groups import ErrorGroup, WhichErrors
from formicary.resolvers.question import Dimension
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.versions import AgentVersion

from . import compare_figures
from .pages import Page
from .panels import Panel
from .version_pair import Pair, version_pair
from .visit import Visit

MOST_ERRORS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareContext:
    """`versions` are those that can be chosen; `pair` is None where there are not two."""

    agent: Agent
    versions: Sequence[AgentVersion]
    pair: Pair | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareErrorsContext:
    """Of each version its most frequent errors."""

    of_versions: Sequence[tuple[AgentVersion, list[ErrorGroup]]]


async def read(visit: Visit) -> CompareContext:
    found = await version_pair(visit)
    return CompareContext(agent=found.visited.agent, versions=found.versions, pair=found.pair)


async def read_errors(visit: Visit) -> CompareErrorsContext:
    pair = (await version_pair(visit)).pair
    versions = [pair.a, pair.b] if pair else []
    which = WhichErrors(visit.range, RunFilter(), MOST_ERRORS, by=Dimension.VERSION)
    ids = [version.id for version in versions]
    errors = await error_groups.frequent_of(visit.database, visit.scope, which, ids) if ids else []
    return CompareErrorsContext(of_versions=list(zip(versions, errors, strict=True)))


ERRORS = Panel(name="errors", template="compare_errors.html", read=read_errors)

PAGE = Page(
    path="/agents/{agent_id:int}/compare",
    template="compare.html",
    title="Compare versions",
    nav="agents",
    panels=(compare_figures.FIGURES, ERRORS),
    read=read,
    has_project=False,
)
