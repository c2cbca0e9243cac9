"""What an agent's runs come to over the range, in cards and charts, all of one reading."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from formicary.resolvers import figures, overview, trends
from formicary.resolvers.metrics import Metrics
from formicary.resolvers.question import Question, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.trends import Trend

from . import figure_charts
from .chart import Chart
from .distribution import Distribution, Subject, distributions
from .panels import Panel
from .visit import Visit
from .visited_agent import agent_id, visited_agent

DAY = timedelta(days=1)

SESSIONS = Wants(people=True, sums=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFiguresContext:
    """`metrics` have the ones of the range before; `sessions` are those of `last_day`."""

    agent_id: int
    metrics: Metrics
    sessions: int
    last_day: ResolvedRange
    trend: Trend
    trend_says: str
    charts: list[Chart]
    spread: Distribution


TRENDS = {
    Trend.IMPROVING: "The second half of these runs succeeded more often, by over 5 points.",
    Trend.STABLE: "Both halves of these runs succeeded about equally often.",
    Trend.DECLINING: "The second half of these runs succeeded less often, by over 5 points.",
    Trend.INSUFFICIENT_DATA: "Too few runs ended for a trend: it takes 10.",
    Trend.NO_DATA: "No run ended in this range.",
}


async def read(visit: Visit) -> AgentFiguresContext:
    await visited_agent(visit)
    id_ = agent_id(visit)
    found, sessions, (trend,) = await asyncio.gather(
        overview.read(visit.database, visit.scope, visit.range, visit.bucket, agent_id=id_),
        _sessions(visit, id_),
        trends.of_agents(visit.database, visit.scope, visit.range, [id_]),
    )
    subject = Subject(id="spread", title="Latency distribution", metrics=found.metrics, filters={"agent_id": id_})
    kinds = (figure_charts.outcomes, figure_charts.latency, figure_charts.tokens, figure_charts.cost)
    return AgentFiguresContext(
        agent_id=id_,
        metrics=found.metrics,
        sessions=sessions,
        last_day=_last_day(visit),
        trend=trend,
        trend_says=TRENDS[trend],
        charts=[chart(found.points, visit.place, agent_id=id_) for chart in kinds],
        spread=distributions([subject], visit.place)[0],
    )


async def _sessions(visit: Visit, id_: int) -> int:
    """Of the last 24 hours, whatever the range."""
    question = Question(_last_day(visit), RunFilter(agent_id=(id_,)), wants=SESSIONS)
    return (await figures.read(visit.database, visit.scope, question)).metrics().distinct_sessions


def _last_day(visit: Visit) -> ResolvedRange:
    return ResolvedRange(visit.now - DAY, visit.now)


FIGURES = Panel(name="figures", template="agent_figures.html", read=read)
