"""Breakdowns in the API: figures side by side for each value of a dimension."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from ..resolvers import breakdown, figures
from ..resolvers.loaders import FiguresKey
from ..resolvers.question import Dimension
from .context import Info
from .metrics import Metrics, WhichRange, WhichRuns, ask

if TYPE_CHECKING:
    from .agent import Agent
    from .version import AgentVersion

By = Annotated[Dimension, strawberry.argument(description="By what the runs are told apart.")]
First = Annotated[
    int | None, strawberry.argument(description=f"How many rows, those of the most runs: 1 to {breakdown.MOST_ROWS}.")
]
Parent = strawberry.Parent[breakdown.Row]


async def read_breakdown(
    info: Info,
    by: By,
    range: WhichRange = None,  # noqa: A002
    filter: WhichRuns = None,  # noqa: A002
    first: First = breakdown.DEFAULT_ROWS,
) -> Any:
    size = breakdown.size(first)
    question = replace(ask(info, range, filter, below="metrics."), by=by)
    found = await figures.read(info.context.db, info.context.scope, question)
    return await breakdown.rows(info.context.loaders, found, by, size)


def breakdown_of(owner: Dimension) -> Callable[..., Any]:
    """The resolver of the breakdown of an agent; of siblings all together."""

    async def breakdown_of(
        root: strawberry.Parent[Any],
        info: Info,
        by: By,
        range: WhichRange = None,  # noqa: A002
        filter: WhichRuns = None,  # noqa: A002
        first: First = breakdown.DEFAULT_ROWS,
    ) -> Any:
        loaders, size = info.context.loaders, breakdown.size(first)
        question = replace(ask(info, range, filter, below="metrics."), by=by)
        return await breakdown.rows(loaders, await loaders.figures.load(FiguresKey(root.id, owner, question)), by, size)

    return breakdown_of


async def _agent(root: Parent, info: Info) -> Any:
    return None if root.agent_id is None else await info.context.loaders.agent.load(root.agent_id)


async def _version(root: Parent, info: Info) -> Any:
    return None if root.version_id is None else await info.context.loaders.version.load(root.version_id)


@strawberry.type(description="The figures of the runs that have one value of a dimension in common.")
class BreakdownRow:
    key: str = strawberry.field(
        description="The value: the name of an agent or version, the slug of a project, a status, or the text that the "
        "runs state, empty for those that state none. Agents of different projects, and versions of different agents, "
        "may share a name: `agent` and `version` tell them apart."
    )
    share: float = strawberry.field(
        description="The row's runs over those of all rows, 0 to 1; rows beyond `first` are counted."
    )
    agent: Annotated["Agent", strawberry.lazy(".agent")] | None = strawberry.field(
        resolver=_agent, description="The agent, by AGENT; whose version it is, by VERSION; else null."
    )
    version: Annotated["AgentVersion", strawberry.lazy(".version")] | None = strawberry.field(
        resolver=_version, description="The version, by VERSION; else null."
    )
    metrics: Metrics = strawberry.field(description="Figures of the row's runs.")
