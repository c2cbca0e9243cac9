"""An agent's pheromone score and its course over the last days, what it has come to in all, and its last error."""

import asyncio
import math
from dataclasses import dataclass

from formicary.errors import BadInputError
from formicary.resolvers import lifetimes, pheromone_history
from formicary.resolvers.agents import Agent
from formicary.resolvers.lifetimes import Lifetime
from formicary.resolvers.pheromone_history import HOURS_A_DAY, MOST_DAYS, PheromoneKey, Point
from formicary.resolvers.question import Dimension
from formicary.rollups.pheromone_formula import Formula

from .chart import Chart, Kind, Row, Series, Tone, Unit
from .figure_charts import FINAL
from .formats import number, score
from .panels import Panel
from .visit import Visit
from .visited_agent import visited_agent

DAYS = 7
MOST_STEPS = 360
"""Of more hours a chart has a point every few hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreContext:
    """`days` are those of the charts, one of `choices` or another number; `lifetime` is of all runs ever."""

    agent: Agent
    lifetime: Lifetime
    days: int
    choices: tuple[int, ...]
    most_days: int
    charts: list[Chart]


async def read(visit: Visit) -> ScoreContext:
    agent = (await visited_agent(visit)).agent
    days = _days(visit)
    points, (lifetime,) = await asyncio.gather(
        _points(visit, agent.id, days),
        lifetimes.of_owners(visit.database, visit.scope, visit.now, Dimension.AGENT, [agent.id]),
    )
    return ScoreContext(
        agent=agent,
        lifetime=lifetime,
        days=days,
        choices=(1, DAYS, 30, MOST_DAYS),
        most_days=MOST_DAYS,
        charts=_charts(visit, agent.id, points),
    )


def _days(visit: Visit) -> int:
    """Raises BadInputError for what is no number of days."""
    text = visit.place.params.get("days") or str(DAYS)
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise BadInputError(f"days: {text[:40]!r} is not a number between 1 and {MOST_DAYS}.")
    return int(text)


async def _points(visit: Visit, agent_id: int, days: int) -> list[Point]:
    since = pheromone_history.first_hour(days, visit.now)
    (kept,) = await pheromone_history.kept(visit.database, [PheromoneKey(agent_id, since)])
    hourly = pheromone_history.points(kept, Formula.of(visit.settings), since, visit.now)
    return pheromone_history.in_steps(hourly, math.ceil(days * HOURS_A_DAY / MOST_STEPS))


def _charts(visit: Visit, agent_id: int, points: list[Point]) -> list[Chart]:
    rows = [Row(p.from_, p.to, visit.place.during(p.from_, p.to, agent_id=agent_id, status=FINAL)) for p in points]
    scores = Series("Score", Tone.ACCENT, [point.score for point in points], score)
    interactions = Series("Interactions", Tone.FIRST, [point.interactions for point in points], number)
    of_score = Chart(id="score", title="Score", kind=Kind.LINES, unit=Unit.SCORE, rows=rows, series=[scores], most=1)
    of_runs = Chart(
        id="interactions", title="Interactions", kind=Kind.BARS, unit=Unit.NUMBER, rows=rows, series=[interactions]
    )
    return [of_score, of_runs]


SCORE = Panel(name="score", template="agent_score.html", read=read)
