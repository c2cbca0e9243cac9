"""How the durations of runs are spread: bars drawn on the server, and the same as a table for who cannot see them.

Several that stand beside each other have the same parts and the same height, so that they can be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from formicary.resolvers.metrics import Latency, Metrics, common_histograms, rate
from formicary.rollups.histogram import Slot

from .chart import Tone
from .figure_charts import FINAL, PERCENTILES
from .place import Place, Value

MOST_BARS = 36
TICKS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Whose durations: `filters` are those of the runs behind its figures."""

    id: str
    title: str
    metrics: Metrics
    filters: Mapping[str, Value]
    tone: Tone = Tone.FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The runs that took longer than `low` and at most `high` milliseconds; `height` is a part of the plot's."""

    low: float
    high: float
    runs: int
    share: float
    height: float
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A percentile in milliseconds; it stands `at` so many bars from the left."""

    name: str
    value: float
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """`id` is unique in its page; without bars there are no durations."""

    id: str
    title: str
    tone: Tone
    bars: Sequence[Bar]
    marks: Sequence[Mark]

    @property
    def ticks(self) -> Sequence[Bar]:
        """Those under which the axis says where they begin, at even distances."""
        return [self.bars[len(self.bars) * i // TICKS] for i in range(min(TICKS, len(self.bars)))]


def distributions(subjects: Sequence[Subject], place: Place) -> list[Distribution]:
    latencies = [subject.metrics.latency for subject in subjects]
    common = common_histograms(latencies, MOST_BARS)
    slots = [of_one if latency else [] for latency, of_one in zip(latencies, common, strict=True)]
    shares = [[rate(slot.count, sum(each.count for each in of_one)) or 0.0 for slot in of_one] for of_one in slots]
    most = max((share for each in shares for share in each), default=0.0)
    return [
        Distribution(
            id=subject.id,
            title=subject.title,
            tone=subject.tone,
            bars=[_bar(slot, share, most, subject, place) for slot, share in zip(of_one, parts, strict=True)],
            marks=_marks(latency, of_one),
        )
        for subject, latency, of_one, parts in zip(subjects, latencies, slots, shares, strict=True)
    ]


def _bar(slot: Slot, share: float, most: float, subject: Subject, place: Place) -> Bar:
    least = int(slot.low) + 1 if slot.low else 0
    href = place.runs(status=FINAL, min_duration_ms=least, max_duration_ms=int(slot.high), **subject.filters)
    return Bar(
        low=slot.low, high=slot.high, runs=slot.count, share=share, height=share / most if most else 0.0, href=href
    )


def _marks(latency: Latency | None, slots: Sequence[Slot]) -> list[Mark]:
    if latency is None:
        return []
    found = [(name, figure(latency)) for name, _, figure in PERCENTILES]
    return [Mark(name=name, value=value, at=_place(value, slots)) for name, value in found]


def _place(value: float, slots: Sequence[Slot]) -> float:
    """Where a value stands among the parts, in their number."""
    for number, slot in enumerate(slots):
        if value <= slot.high:
            return number + max(0.0, (value - slot.low) / (slot.high - slot.low))
    return float(len(slots))
