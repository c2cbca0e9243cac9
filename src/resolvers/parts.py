"""Statements that are put together of selects from several layers (see layers.py), all under one filter."""

from dataclasses import dataclass, field

from .layers import Layer
from .question import Dimension
from .run_filter import ResolvedFilter
from .spans import Span
from .statement import Statement


@dataclass(slots=True)
class Parts:
    """Collects the selects, and numbers their parameters. Each begins with the key by which it is grouped."""

    where: ResolvedFilter
    by: Dimension | None
    statement: Statement = field(default_factory=Statement)
    _selects: list[str] = field(default_factory=list)

    def add(self, layer: Layer, columns: str, tables: str, condition: str, *, group_by: str = "") -> None:
        narrowed = Statement(args=self.statement.args)
        layer.narrow(narrowed, self.where)
        conditions = " AND ".join([condition, *narrowed.conditions])
        select = f"\n    SELECT {layer.keys[self.by]}, {columns}\n    FROM {tables}\n    WHERE {conditions}"
        self._selects.append(f"{select}\n    GROUP BY {group_by}" if group_by else select)

    def during(self, column: str, span: Span) -> str:
        """Condition: an instant lies within a span."""
        arg = self.statement.arg
        return f"{column} >= {arg(span.from_)} AND {column} < {arg(span.to)}"

    def union(self) -> str:
        return "\n    UNION ALL".join(self._selects)
