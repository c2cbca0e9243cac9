"""The overview: how all agents do over a range, in figures and charts."""

from dataclasses import dataclass

from formicary.resolvers import figures, history
from formicary.resolvers.metrics import Metrics
from formicary.resolvers.question import Question, Wants

from .chart import Chart, Kind, Series, Tone, Unit, rows, values
from .formats import number
from .pages import Page
from .panels import Panel
from .visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresContext:
    """What the runs of the range come to, and when they were."""

    metrics: Metrics
    outcomes: Chart


async def read_figures(visit: Visit) -> FiguresContext:
    question = Question(visit.range, visit.where, bucket=visit.bucket)
    points = history.points(await figures.read(visit.database, visit.scope, question))
    whole = await figures.read(
        visit.database, visit.scope, Question(visit.range, visit.where, wants=Wants(previous=True))
    )
    outcomes = Chart(
        id="outcomes",
        title="Runs",
        kind=Kind.STACKED,
        unit=Unit.NUMBER,
        rows=rows(points, visit.place),
        series=[
            Series("Succeeded", Tone.GOOD, values(points, lambda m: m.succeeded), number),
            Series("Failed", Tone.POOR, values(points, lambda m: m.failed), number),
        ],
    )
    return FiguresContext(metrics=whole.metrics(), outcomes=outcomes)


FIGURES = Panel(name="figures", template="overview_figures.html", read=read_figures)

PAGE = Page(path="/", template="overview.html", title="Overview", nav="overview", panels=(FIGURES,))
