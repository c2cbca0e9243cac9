"""Figures of all time in the API."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import strawberry

from ..resolvers import lifetimes
from ..resolvers.agents import Agent
from ..resolvers.loaders import LifetimeKey
from ..resolvers.question import Dimension
from .context import Info
from .lookahead import selected
from .metrics import Cost, Tokens
from .scalars import BigInt, DateTime


async def read_lifetime(
    info: Info,
    project: Annotated[str | None, strawberry.argument(description="The project's slug; all if left out.")] = None,
) -> Any:
    db, scope = info.context.db, info.context.scope
    found = await lifetimes.of_all(db, scope, info.context.now, project)
    if not selected(info, "averagePheromone"):
        return found
    return replace(found, average_pheromone=await lifetimes.average_score(db, scope, project))


def lifetime_of(owner: Dimension) -> Callable[..., Any]:
    """The resolver of an agent's or a version's figures of all time; of siblings all together."""

    async def lifetime_of(root: strawberry.Parent[Any], info: Info) -> Any:
        found = await info.context.loaders.lifetime.load(LifetimeKey(root.id, owner, info.context.now))
        return replace(found, average_pheromone=root.pheromone_score) if isinstance(root, Agent) else found

    return lifetime_of


@strawberry.type(
    description="Figures of all runs that ever started, those that retention has dropped included. Rates are 0 to 1; "
    "what is undefined for no runs is null, never 0."
)
class Lifetime:
    taken_at: DateTime = strawberry.field(description="When the figures were taken: now.")
    runs: BigInt = strawberry.field(description="succeeded + failed + cancelled + unfinished")
    succeeded: BigInt = strawberry.field(description="SUCCEEDED runs.")
    failed: BigInt = strawberry.field(description="FAILED and TIMED_OUT runs.")
    cancelled: BigInt = strawberry.field(description="CANCELLED runs.")
    unfinished: BigInt = strawberry.field(description="QUEUED and RUNNING runs, as of now.")
    messages: BigInt = strawberry.field(description="Messages that the runs processed.")
    success_rate: float | None = strawberry.field(
        description="succeeded / (succeeded + failed), 0 to 1; null where both are 0."
    )
    error_rate: float | None = strawberry.field(
        description="failed / (succeeded + failed), 0 to 1; null where both are 0."
    )
    average_ms: float | None = strawberry.field(
        description="The mean duration in milliseconds of the runs that succeeded, failed or timed out and have one; "
        "null where none has. Exact."
    )
    tokens: Tokens = strawberry.field(description="Tokens used.")
    cost: Cost = strawberry.field(description="What the runs cost.")
    files_created: BigInt = strawberry.field(description="Files that the runs created.")
    files_modified: BigInt = strawberry.field(description="Files that the runs modified.")
    average_pheromone: float | None = strawberry.field(
        description="The mean of the agents' pheromone scores as they are now, each agent counting the same, disabled "
        "ones and those without runs as well; of one agent, its score; null for a version and where there is no agent."
    )
