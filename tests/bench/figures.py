"""What a measurement gives: tables of figures, some of them with a target, printed as text or JSON."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TextIO, TypeAlias

Cell: TypeAlias = str | int | float | None


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure that the project promises, and the promise: at most or at least so much."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_met(self) -> bool:
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"at most {_text(self.at_most)}"
        return "" if self.at_least is None else f"at least {_text(self.at_least)}"


@dataclass(slots=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    note: str = ""


@dataclass(slots=True)
class Report:
    """The tables and the promised figures of one subject."""

    subject: str
    tables: list[Table] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    seconds: float = 0.0


def print_report(report: Report, out: TextIO = sys.stdout) -> None:
    print(f"\n== {report.subject} ({report.seconds:.0f} s)", file=out)
    for table in report.tables:
        print_table(table, out)
    if report.measures:
        print_table(_promises(report.measures), out)
    out.flush()


def print_table(table: Table, out: TextIO = sys.stdout) -> None:
    rows = [[_text(cell) for cell in row] for row in (table.columns, *table.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    print(f"\n{table.title}", file=out)
    for number, row in enumerate(rows):
        print(
            "  " + "  ".join(_aligned(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip(), file=out
        )
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths), file=out)
    if table.note:
        print(f"  {table.note}", file=out)


def to_json(reports: Iterable[Report]) -> str:
    return json.dumps([_as_json(report) for report in reports], indent=2)


def _as_json(report: Report) -> dict[str, object]:
    return {
        "subject": report.subject,
        "seconds": round(report.seconds, 1),
        "measures": [{**asdict(measure), "met": measure.is_met} for measure in report.measures],
        "tables": [
            {
                "title": table.title,
                "note": table.note,
                "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
            }
            for table in report.tables
        ],
    }


def _promises(measures: Iterable[Measure]) -> Table:
    rows: list[Sequence[Cell]] = [
        [
            measure.name,
            measure.value,
            measure.unit,
            measure.target,
            "" if not measure.target else "yes" if measure.is_met else "NO",
        ]
        for measure in measures
    ]
    return Table("Promised", ["figure", "value", "unit", "target", "met"], rows)


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return "-"
        case float():
            return f"{cell:,.0f}" if abs(cell) >= 1000 else f"{cell:.3g}" if abs(cell) < 100 else f"{cell:.0f}"
        case int():
            return f"{cell:,}"
        case _:
            return cell


def _aligned(text: str, width: int) -> str:
    is_number = text[:1].isdigit() or text[:1] == "-"
    return text.rjust(width) if is_number else text.ljust(width)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
