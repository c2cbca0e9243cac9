"""What an agent's runs come to over the range, in cards and charts, all of one reading."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from formicary.resolvers import figures, overview, trends
from formicary.resolvers.question import Question, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.trends import Trend

from . import figure_charts
from .agent_cards import AgentCards, Sessions
from .chart import Chart
from .distribution import Distribution, Subject, distributions
from .panels import Panel
from .stat_card import Card
from .visit import Visit
from .visited_agent import agent_id, visited_agent

DAY = timedelta(days=1)

SESSIONS = Wants(people=True, sums=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFiguresContext:
    """`trend_says` is what the trend means in words."""

    cards: list[Card]
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
    last_day = ResolvedRange(visit.now - DAY, visit.now)
    found, sessions, (trend,) = await asyncio.gather(
        overview.read(visit.database, visit.scope, visit.range, visit.bucket, agent_id=id_),
        _sessions(visit, id_, last_day),
        trends.of_agents(visit.database, visit.scope, visit.range, [id_]),
    )
    number = found.metrics.distinct_sessions if sessions is None else sessions
    of_day = Sessions(number=number, range=last_day)
    subject = Subject(id="spread", title="Latency distribution", metrics=found.metrics, filters={"agent_id": id_})
    kinds = (figure_charts.outcomes, figure_charts.latency, figure_charts.tokens, figure_charts.cost)
    return AgentFiguresContext(
        cards=AgentCards(agent_id=id_, metrics=found.metrics, sessions=of_day, place=visit.place).all(),
        trend=trend,
        trend_says=TRENDS[trend],
        charts=[chart(found.points, visit.place, agent_id=id_) for chart in kinds],
        spread=distributions([subject], visit.place)[0],
    )


async def _sessions(visit: Visit, id_: int, last_day: ResolvedRange) -> int | None:
    """Of the last 24 hours, whatever the range; None where that is the range, which has them anyway."""
    if visit.range == last_day:
        return None
    question = Question(last_day, RunFilter(agent_id=(id_,)), wants=SESSIONS)
    return (await figures.read(visit.database, visit.scope, question)).metrics().distinct_sessions


FIGURES = Panel(name="figures", template="agent_figures.html", read=read)
