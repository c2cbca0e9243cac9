"""The figures at the top of a dashboard in the API."""

from typing import Annotated, Any

import strawberry

from ..resolvers import stats
from ..resolvers.change import StatTrend
from .context import Info

STATS = (
    "Four figures for the top of a dashboard. `active_agents`: agents of which a run started in the last 7 days, "
    "against the 7 days before. `runs_today`: runs that started since midnight UTC, against yesterday up to the same "
    "time. `average_response_time`: the mean duration of the runs that started in the last hour, against the hour "
    "before. `cost_today`: since midnight UTC, against yesterday up to the same time."
)


async def read_stats(
    info: Info,
    project: Annotated[str | None, strawberry.argument(description="The project's slug; all if left out.")] = None,
) -> Any:
    context = info.context
    return await stats.dashboard(context.db, context.scope, context.now, project)


@strawberry.type(description="One figure of the dashboard with its change.")
class Stat:
    key: str = strawberry.field(description="Which figure, for programs.")
    title: str = strawberry.field(description="Which figure, for people.")
    value: str = strawberry.field(description="The figure with its unit, for people; a dash where it is unknown.")
    change: str = strawberry.field(
        description="Against what it is compared with: a percentage, or a difference where that was 0 and for numbers "
        "of agents; `no change` below 0.05 %, `no data before` or `no data now` where there is nothing to compare."
    )
    trend: StatTrend = strawberry.field(description="Which way it went.")
    icon: str = strawberry.field(description="The name of an icon, as Lucide has them.")
    raw: float = strawberry.field(
        description="The figure itself: a number, milliseconds or USD; 0 where it is unknown."
    )
