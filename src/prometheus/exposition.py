"""The text formats of Prometheus: 0.0.4, which everything reads, and OpenMetrics 1.0, which Prometheus asks for.

https://prometheus.io/docs/instrumenting/exposition_formats/
https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md

They differ in the head of a counter and in the end. Lines are put together here, since prometheus-client takes five
to ten times as long for the same text; the tests read it with that library's two parsers.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Format(StrEnum):
    """By their content types."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


class Family:
    """All samples under one name. Of a counter the name ends in `_total`; `about` is one line for a person."""

    def __init__(self, name: str, kind: Kind, about: str, *labels: str) -> None:
        self.name = name
        self.kind = kind
        self.about = about
        self._template = "{" + ",".join(f'{label}="%s"' for label in labels) + "}" if labels else ""
        self._lines: list[str] = []

    def add(self, value: float, *labels: str) -> None:
        """A sample, with the values of the labels in their order."""
        self._lines.append(f"{self.name}{self._labels(labels)} {value}\n")

    def add_histogram(self, bounds: Sequence[str], counts: Iterable[int], total: float, *labels: str) -> None:
        """The samples of one histogram: `counts` are cumulated, up to each bound, and the last bound is `+Inf`."""
        name, own, count = self.name, self._labels(labels), 0
        opened = f"{own[:-1]}," if own else "{"
        for bound, count in zip(bounds, counts, strict=True):
            self._lines.append(f'{name}_bucket{opened}le="{bound}"}} {count}\n')
        self._lines.append(f"{name}_sum{own} {total}\n{name}_count{own} {count}\n")

    def text(self, format_: Format) -> str:
        name = self.name.removesuffix("_total") if format_ is Format.OPENMETRICS else self.name
        return f"# HELP {name} {self.about}\n# TYPE {name} {self.kind}\n{''.join(self._lines)}"

    def _labels(self, values: tuple[str, ...]) -> str:
        return self._template % tuple(map(_escaped, values))


@lru_cache(10_000)
def _escaped(value: str) -> str:
    """A label's value; the same ones come again in every family and at every scrape."""
    return value.translate(_ESCAPES)


def expose(families: Iterable[Family], format_: Format) -> bytes:
    end = "# EOF\n" if format_ is Format.OPENMETRICS else ""
    return "".join([*(family.text(format_) for family in families), end]).encode()
