"""What all runs of the range come to: cards with their change against the range before, and charts over time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from formicary.models.run import RunStatus
from formicary.resolvers import overview, workforce
from formicary.resolvers.change import StatTrend
from formicary.resolvers.history import Point
from formicary.resolvers.metrics import OF_LATENCY, Latency, Metrics
from formicary.resolvers.workforce import Workforce

from . import figure_charts
from .chart import Chart
from .figure_charts import FINAL, spend
from .first_run import first_run
from .formats import score
from .meanings import COUNT, MONEY, SUCCESS, TIME
from .panels import Panel
from .period import PRESETS, Period
from .place import Place
from .stat_card import Behind, Card, Meaning, Value, written
from .visit import Visit

FAILED = (RunStatus.FAILED, RunStatus.TIMED_OUT)

ERRORS = replace(SUCCESS, good=StatTrend.DOWN)
SCORE = Meaning(write=written(score), good=StatTrend.UP, difference=written(score), places=2)

SHOWN = frozenset({"messages", "input_tokens", "output_tokens", "cost", "unknown_runs"}) | OF_LATENCY
"""The sums behind the cards and charts."""

WORDS = {
    "15m": "15 minutes",
    "1h": "hour",
    "24h": "24 hours",
    "7d": "7 days",
    "30d": "30 days",
    "90d": "90 days",
}
LENGTHS = list(PRESETS)


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresContext:
    """`range_` and `range_before` are in words; `longer` are presets to look at where there are no runs."""

    cards: list[Card]
    charts: list[Chart]
    range_: str
    range_before: str
    longer: list[str]
    metrics: Metrics
    agents: Workforce
    first_run: str


async def read(visit: Visit) -> FiguresContext:
    place, scope, range_ = visit.place, visit.scope, visit.range
    found, agents = await asyncio.gather(
        overview.read(visit.database, scope, range_, visit.bucket, project=place.project, people=False, sums=SHOWN),
        workforce.read(visit.database, scope, range_, project=place.project),
    )
    kinds = (figure_charts.outcomes, figure_charts.latency, figure_charts.cost)
    return FiguresContext(
        cards=cards(found.metrics, found.points, agents, place),
        charts=[chart(found.points, place) for chart in kinds],
        range_=_range(place.period),
        range_before=range_before(place.period),
        longer=_longer(place.period),
        metrics=found.metrics,
        agents=agents,
        first_run=first_run(visit),
    )


def cards(now: Metrics, points: Sequence[Point], agents: Workforce, place: Place) -> list[Card]:
    """All but that of users and sessions, which comes later (see overview_people.py)."""
    before, course = now.previous, Course(points)
    every = Behind(place.runs(), now.runs)
    ended = Behind(place.runs(status=FINAL), now.succeeded + now.failed)
    failed = Behind(place.runs(status=FAILED), now.failed)

    def both(figure: Callable[[Metrics], Value]) -> tuple[Value, Value]:
        return figure(now), figure(before) if before else None

    return [
        Card(title="Runs", figures=[COUNT.figure("", every, *both(lambda m: m.runs))], course=course(lambda m: m.runs)),
        Card(
            title="Success rate",
            figures=[SUCCESS.figure("", ended, *both(lambda m: m.success_rate))],
            course=course(lambda m: m.success_rate),
        ),
        Card(
            title="Error rate",
            figures=[ERRORS.figure("", failed, *both(lambda m: m.error_rate))],
            course=course(lambda m: m.error_rate),
        ),
        Card(
            title="Cost",
            figures=[MONEY.figure("", every, *both(lambda m: m.cost.total if _is_priced(m) else None))],
            course=course(spend),
        ),
        Card(
            title="Latency",
            figures=[
                TIME.figure("p50", ended, *both(_latency(lambda latency: latency.p50_ms))),
                TIME.figure("p95", ended, *both(_latency(lambda latency: latency.p95_ms))),
            ],
            course=course(_latency(lambda latency: latency.p95_ms)),
        ),
        Card(
            title="Tokens",
            figures=[
                COUNT.figure("in", every, *both(lambda m: m.tokens.input)),
                COUNT.figure("out", every, *both(lambda m: m.tokens.output)),
            ],
            course=course(lambda m: m.tokens.input + m.tokens.output),
        ),
        Card(
            title="Messages",
            figures=[COUNT.figure("", every, *both(lambda m: m.messages))],
            course=course(lambda m: m.messages),
        ),
        Card(
            title="Average pheromone",
            figures=[SCORE.figure("", every, *both(lambda m: m.average_pheromone))],
            course=course(lambda m: m.average_pheromone),
            most=1,
        ),
        Card(
            title="Agents",
            figures=[
                COUNT.alone("active", Behind(place.to("/agents")), agents.active),
                COUNT.figure("ran", every, agents.ran, agents.ran_before),
            ],
        ),
    ]


@dataclass(frozen=True, slots=True)
class Course:
    """The values of a figure over the whole steps of the range: a part of one would look like a fall."""

    points: Sequence[Point]

    def __call__(self, figure: Callable[[Metrics], Value]) -> list[float | None]:
        whole = [p for p in self.points if (p.metrics.range.from_, p.metrics.range.to) == (p.from_, p.to)]
        values = [figure(point.metrics) for point in whole]
        return [None if value is None else float(value) for value in values]


def _latency(figure: Callable[[Latency], float]) -> Callable[[Metrics], float | None]:
    return lambda metrics: figure(metrics.latency) if metrics.latency else None


def _is_priced(metrics: Metrics) -> bool:
    return metrics.cost.per_run is not None or not metrics.runs


def _range(period: Period) -> str:
    return f"Last {WORDS[period.preset]}" if period.preset else period.label


def range_before(period: Period) -> str:
    return f"the {WORDS[period.preset]} before" if period.preset else "the same length of time before"


def _longer(period: Period) -> list[str]:
    return LENGTHS[LENGTHS.index(period.preset) + 1 :] if period.preset else LENGTHS[2:]


FIGURES = Panel(name="figures", template="overview_figures.html", read=read)
