"""The figures of two versions: one beside the other with their difference, over time, and how durations are spread."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from formicary.resolvers import version_figures
from formicary.resolvers.metrics import Latency, Metrics
from formicary.resolvers.version_figures import VersionFigures
from formicary.resolvers.versions import AgentVersion

from .chart import Chart, Kind, Series, Tone, Unit, rows
from .chart import Row as Step
from .distribution import Distribution, Subject, distributions
from .figure_charts import FINAL
from .meanings import COUNT, FEWER, MONEY, SUCCESS, TIME
from .panels import Panel
from .place import Place, Value
from .stat_card import Behind, Figure, Meaning
from .version_pair import Pair, version_pair
from .visit import Visit

Read = Callable[[Metrics], float | Decimal | None]


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure that is compared, of all runs or only of those that `ended`: succeeded or failed."""

    name: str
    meaning: Meaning
    read: Read
    of_ended: bool = False

    @property
    def only(self) -> Mapping[str, Value]:
        """The filter of the runs that it is of."""
        return {"status": FINAL} if self.of_ended else {}

    def behind(self, version: AgentVersion, metrics: Metrics, place: Place) -> Behind:
        return Behind(place.runs(**_filters(version), **self.only), self.runs(metrics))

    def runs(self, metrics: Metrics) -> int:
        return metrics.succeeded + metrics.failed if self.of_ended else metrics.runs


@dataclass(frozen=True, slots=True)
class Row:
    """A measure of both versions; the change of `b` is against `a`, none where one of them is unknown."""

    name: str
    a: Figure
    b: Figure
    is_known: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareFiguresContext:
    """`without_runs` are names of versions. Everything is empty where there are not two of them."""

    pair: Pair | None
    rows: Sequence[Row]
    charts: Sequence[Chart]
    spreads: Sequence[Distribution]
    without_runs: Sequence[str]


def _of(figure: Callable[[Latency], float]) -> Read:
    return lambda metrics: figure(metrics.latency) if metrics.latency else None


MEASURES = (
    Measure("Runs", COUNT, lambda metrics: metrics.runs),
    Measure("Success rate", SUCCESS, lambda metrics: metrics.success_rate, of_ended=True),
    Measure("Latency p50", TIME, _of(lambda latency: latency.p50_ms), of_ended=True),
    Measure("Latency p95", TIME, _of(lambda latency: latency.p95_ms), of_ended=True),
    Measure("Latency p99", TIME, _of(lambda latency: latency.p99_ms), of_ended=True),
    Measure("Average latency", TIME, _of(lambda latency: latency.average_ms), of_ended=True),
    Measure("Tokens per run", FEWER, lambda metrics: metrics.tokens.per_run),
    Measure("Cost per run", MONEY, lambda metrics: metrics.cost.per_run),
    Measure("Files created", COUNT, lambda metrics: metrics.files_created),
    Measure("Files modified", COUNT, lambda metrics: metrics.files_modified),
)

CHARTED: Sequence[tuple[str, Unit, float | None]] = (
    ("Runs", Unit.NUMBER, None),
    ("Success rate", Unit.FRACTION, 1.0),
    ("Latency p95", Unit.MILLISECONDS, None),
    ("Cost per run", Unit.USD, None),
)
"""The measures that are shown over time, with the end of the axis where that is fixed."""


async def read(visit: Visit) -> CompareFiguresContext:
    pair = (await version_pair(visit)).pair
    if pair is None:
        return CompareFiguresContext(pair=None, rows=[], charts=[], spreads=[], without_runs=[])
    ids = [pair.a.id, pair.b.id]
    a, b = await version_figures.read(visit.database, visit.scope, visit.range, visit.bucket, ids)
    return CompareFiguresContext(
        pair=pair,
        rows=[_row(measure, pair, a.metrics, b.metrics, visit.place) for measure in MEASURES],
        charts=_charts(pair, a, b, visit.place),
        spreads=distributions(
            [_subject("a", pair.a, a, Tone.FIRST), _subject("b", pair.b, b, Tone.SECOND)], visit.place
        ),
        without_runs=[v.version for v, each in ((pair.a, a), (pair.b, b)) if not each.metrics.runs],
    )


def _row(measure: Measure, pair: Pair, a: Metrics, b: Metrics, place: Place) -> Row:
    of_a, of_b = measure.read(a), measure.read(b)
    return Row(
        name=measure.name,
        a=measure.meaning.alone("", measure.behind(pair.a, a, place), of_a),
        b=measure.meaning.figure("", measure.behind(pair.b, b, place), of_b, of_a),
        is_known=of_a is not None and of_b is not None,
    )


def _filters(version: AgentVersion) -> dict[str, Value]:
    return {"agent_id": version.agent_id, "version_id": version.id}


def _subject(id_: str, version: AgentVersion, figures: VersionFigures, tone: Tone) -> Subject:
    return Subject(
        id=f"spread-{id_}", title=version.version, metrics=figures.metrics, filters=_filters(version), tone=tone
    )


def _charts(pair: Pair, a: VersionFigures, b: VersionFigures, place: Place) -> list[Chart]:
    measures = {measure.name: measure for measure in MEASURES}
    return [
        Chart(
            id=name.lower().replace(" ", "-"),
            title=name,
            kind=Kind.LINES,
            unit=unit,
            rows=_steps(measures[name], pair, a, b, place),
            series=_series(measures[name], pair, a, b),
            most=most,
        )
        for name, unit, most in CHARTED
    ]


def _steps(measure: Measure, pair: Pair, a: VersionFigures, b: VersionFigures, place: Place) -> list[Step]:
    """Each leads to the runs of both versions."""
    both: Mapping[str, Value] = {"agent_id": pair.a.agent_id, "version": (pair.a.version, pair.b.version)}
    counts = [
        sum(measure.runs(point.metrics) for point in (of_a, *([] if pair.a == pair.b else [of_b])))
        for of_a, of_b in zip(a.points, b.points, strict=True)
    ]
    steps = rows(a.points, place, counted=None, **both, **measure.only)
    return [replace(step, runs=runs) for step, runs in zip(steps, counts, strict=True)]


def _series(measure: Measure, pair: Pair, a: VersionFigures, b: VersionFigures) -> list[Series]:
    def write(value: float | None) -> str:
        return measure.meaning.write(None if value is None else Decimal(repr(value)))

    def values(figures: VersionFigures) -> list[float | None]:
        found = [measure.read(point.metrics) for point in figures.points]
        return [None if value is None else float(value) for value in found]

    of_versions = ((pair.a, a, Tone.FIRST), (pair.b, b, Tone.SECOND))
    return [Series(version.version, tone, values(figures), write) for version, figures, tone in of_versions]


FIGURES = Panel(name="figures", template="compare_figures.html", read=read)
