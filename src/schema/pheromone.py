"""Pheromone scores in the API."""

from typing import Annotated, Any

import strawberry

from ..resolvers import agents
from ..resolvers.pheromone_history import MOST_DAYS, PheromoneKey, first_hour, points
from .context import Info
from .scalars import BigInt, DateTime

DAYS = 7


async def pheromone_history(
    root: strawberry.Parent[agents.Agent],
    info: Info,
    days: Annotated[
        int | None, strawberry.argument(description=f"Of how many days up to now, 1 to {MOST_DAYS}.")
    ] = DAYS,
) -> Any:
    context = info.context
    since = first_hour(DAYS if days is None else days, context.now)
    kept = await context.loaders.pheromone.load(PheromoneKey(root.id, since))
    return points(kept, context.formula, since, context.now)


@strawberry.type(description="An agent's pheromone score in one hour.")
class PheromonePoint:
    from_: DateTime = strawberry.field(name="from", description="Where the hour starts.")
    to: DateTime = strawberry.field(description="Where the hour ends and the next one starts.")
    score: float = strawberry.field(
        description="0 to 1. The mean of the scores that runs of the hour have reported, or the last such mean before; "
        "of an agent that reports none the computed score at the end of the hour, or as of now."
    )
    interactions: BigInt = strawberry.field(
        description="Finished runs that started in the hour, the cancelled ones aside."
    )
