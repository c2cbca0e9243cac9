"""The providers beside each other, and the models: their shares of the runs, and how these go, over time too."""

from dataclasses import dataclass, replace

from formicary.resolvers import attention, standings
from formicary.resolvers.attention import Outage
from formicary.resolvers.metrics import Metrics
from formicary.resolvers.question import Dimension
from formicary.resolvers.standings import Course, Standing, Standings, WhichStandings

from . import download
from .chart import Chart, Kind, Row, Series, Tone, Unit, rows, values
from .download import Download
from .formats import number, percent
from .pages import Page
from .panels import Panel
from .place import Place
from .visit import Visit

NOT_STATED = "Not stated"
OTHERS = "Others"
DRAWN_DIGITS = 4
TONES = (Tone.FIRST, Tone.SECOND, Tone.THIRD, Tone.FOURTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutagesContext:
    """Those that touch the range of the page."""

    outages: list[Outage]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingsContext:
    """`by` is what the rows are, and the filter that leads to their runs."""

    by: str
    rows: list[Standing]
    is_cut: bool
    requests: Chart
    error_rates: Chart


async def read_outages(visit: Visit) -> OutagesContext:
    found = await attention.read(visit.database, visit.scope, visit.now, project=visit.place.project)
    range_ = visit.range
    return OutagesContext(
        outages=[
            each for each in found if isinstance(each, Outage) and each.from_ < range_.to and each.to > range_.from_
        ]
    )


async def read_providers(visit: Visit) -> StandingsContext:
    return await _standings(visit, Dimension.PROVIDER)


async def read_models(visit: Visit) -> StandingsContext:
    return await _standings(visit, Dimension.MODEL)


async def _standings(visit: Visit, by: Dimension) -> StandingsContext:
    which = WhichStandings(by=by, range=visit.range, bucket=visit.bucket, project=visit.place.project, drawn=len(TONES))
    found, name = await standings.read(visit.database, visit.scope, which), by.lower()
    steps = _steps(found, visit.place)
    return StandingsContext(
        by=name,
        rows=found.rows,
        is_cut=found.is_cut,
        requests=Chart(
            id=f"requests-by-{name}",
            title=f"Requests by {name}",
            kind=Kind.STACKED,
            unit=Unit.NUMBER,
            rows=steps,
            series=_requests(found),
        ),
        error_rates=Chart(
            id=f"error-rates-by-{name}",
            title=f"Error rate by {name}",
            kind=Kind.LINES,
            unit=Unit.FRACTION,
            rows=steps,
            series=_error_rates(found),
            most=1,
        ),
    )


def _steps(found: Standings, place: Place) -> list[Row]:
    """Each leads to the requests of all rows, drawn or not."""
    courses = [found.others, *found.courses]
    counts = [sum(point.metrics.runs for point in at) for at in zip(*(c.points for c in courses), strict=True)]
    return [replace(row, runs=runs) for row, runs in zip(rows(found.others.points, place), counts, strict=True)]


def _requests(found: Standings) -> list[Series]:
    others = [found.others] if any(point.metrics.runs for point in found.others.points) else []
    return [
        Series(name, tone, values(course.points, lambda metrics: metrics.runs), number)
        for course, name, tone in [*_named(found), *((course, OTHERS, Tone.STILL) for course in others)]
    ]


def _error_rates(found: Standings) -> list[Series]:
    """Not of the others: what they have together says nothing of any of them."""
    return [Series(name, tone, values(course.points, _error_rate), percent) for course, name, tone in _named(found)]


def _error_rate(metrics: Metrics) -> float | None:
    """As exactly as it can be drawn, which makes pages shorter."""
    return None if metrics.error_rate is None else round(metrics.error_rate, DRAWN_DIGITS)


def _named(found: Standings) -> list[tuple[Course, str, Tone]]:
    return [(course, course.name or NOT_STATED, tone) for course, tone in zip(found.courses, TONES, strict=False)]


OUTAGES = Panel(name="outages", template="providers_outages.html", read=read_outages)
PROVIDERS = Panel(name="providers", template="providers_standings.html", read=read_providers)
MODELS = Panel(name="models", template="providers_standings.html", read=read_models)


def downloads(visit: Visit) -> list[Download]:
    return [
        download.figures(visit, "Figures of each provider", Dimension.PROVIDER),
        download.figures(visit, "Figures of each model", Dimension.MODEL),
    ]


PAGE = Page(
    path="/providers",
    template="providers.html",
    title="Providers and models",
    nav="providers",
    panels=(OUTAGES, PROVIDERS, MODELS),
    downloads=downloads,
)
