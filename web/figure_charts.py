"""The charts of figures that more than one page shows: outcomes, latency, tokens and cost over time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from formicary.models.run import RunStatus
from formicary.resolvers.history import Point
from formicary.resolvers.metrics import Latency, Metrics

from .chart import Chart, Kind, Row, Series, Tone, Unit, rows, values
from .formats import duration, money, number
from .place import Place, Value

FINAL = (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.TIMED_OUT)
"""The runs whose duration counts."""

OUTCOMES: Sequence[tuple[str, Tone, Callable[[Metrics], int]]] = (
    ("Succeeded", Tone.GOOD, lambda metrics: metrics.succeeded),
    ("Failed", Tone.POOR, lambda metrics: metrics.failed),
    ("Cancelled", Tone.STILL, lambda metrics: metrics.cancelled),
    ("Unfinished", Tone.FIRST, lambda metrics: metrics.unfinished),
)
MOSTLY = 2
"""So many of these are always there, the others only where there are such runs."""

PERCENTILES: Sequence[tuple[str, Tone, Callable[[Latency], float]]] = (
    ("p50", Tone.FIRST, lambda latency: latency.p50_ms),
    ("p95", Tone.SECOND, lambda latency: latency.p95_ms),
    ("p99", Tone.THIRD, lambda latency: latency.p99_ms),
)


def outcomes(points: Sequence[Point], place: Place, **filters: Value) -> Chart:
    series = [Series(name, tone, values(points, figure), number) for name, tone, figure in OUTCOMES]
    shown = [each for i, each in enumerate(series) if i < MOSTLY or any(each.values)]
    return _chart("outcomes", "Runs", Kind.STACKED, Unit.NUMBER, rows(points, place, counted=_all, **filters), shown)


def latency(points: Sequence[Point], place: Place, **filters: Value) -> Chart:
    """Each step leads to the runs whose duration counts."""
    series = [Series(name, tone, values(points, _of(figure)), duration) for name, tone, figure in PERCENTILES]
    steps = rows(points, place, counted=_final, status=FINAL, **filters)
    return replace(_chart("latency", "Latency", Kind.LINES, Unit.MILLISECONDS, steps, series), by_powers=True)


def tokens(points: Sequence[Point], place: Place, **filters: Value) -> Chart:
    series = [
        Series("Input", Tone.FIRST, values(points, lambda metrics: metrics.tokens.input), number),
        Series("Output", Tone.SECOND, values(points, lambda metrics: metrics.tokens.output), number),
    ]
    return _chart("tokens", "Tokens", Kind.STACKED, Unit.NUMBER, rows(points, place, counted=_all, **filters), series)


def cost(points: Sequence[Point], place: Place, **filters: Value) -> Chart:
    series = [Series("Cost", Tone.ACCENT, [spend(point.metrics) for point in points], _usd)]
    return _chart("cost", "Cost", Kind.BARS, Unit.USD, rows(points, place, counted=_all, **filters), series)


def spend(metrics: Metrics) -> float | None:
    """USD; unknown where runs are, but the cost of none is known."""
    cost = metrics.cost
    return None if cost.per_run is None and metrics.runs else float(cost.total)


def _all(metrics: Metrics) -> int:
    return metrics.runs


def _final(metrics: Metrics) -> int:
    return metrics.succeeded + metrics.failed


def _of(figure: Callable[[Latency], float]) -> Callable[[Metrics], float | None]:
    return lambda metrics: figure(metrics.latency) if metrics.latency else None


def _usd(value: float | None) -> str:
    return money(None if value is None else Decimal(repr(value)))


def _chart(id_: str, title: str, kind: Kind, unit: Unit, steps: Sequence[Row], series: Sequence[Series]) -> Chart:
    return Chart(id=id_, title=title, kind=kind, unit=unit, rows=steps, series=series)
