"""What of a page can be taken along as a file (see export.py)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from formicary.export.metrics import MetricsFormat
from formicary.export.runs import RunFormat
from formicary.resolvers.question import Dimension

from .visit import Visit

LABELS = {"csv": "CSV", "json": "JSON", "ndjson": "JSON lines", "parquet": "Parquet"}


@dataclass(frozen=True, slots=True)
class Download:
    """`files` are the addresses by what a format is called."""

    title: str
    files: dict[str, str]


Downloads: TypeAlias = Callable[[Visit], Sequence[Download]]


def none(_: Visit) -> Sequence[Download]:
    return ()


def runs(visit: Visit, **filters: int) -> Download:
    """The runs of the page's range under its filter."""
    place = visit.place
    return Download(
        "Runs", {LABELS[each]: place.at(f"/export/runs.{each}", after=None, **filters) for each in RunFormat}
    )


def figures(visit: Visit, title: str, by: Dimension | None = None, **filters: int) -> Download:
    """Figures of the page's range: by a dimension, or over time."""
    place, bucket = visit.place, visit.bucket if by is None else None
    params = {"by": by, "bucket": bucket, "project": place.project, **place.period.params, **filters}
    return Download(title, {LABELS[each]: place.to(f"/export/metrics.{each}", **params) for each in MetricsFormat})
