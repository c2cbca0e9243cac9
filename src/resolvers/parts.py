"""Statements that are put together of selects from several layers (see layers.py), all under one filter."""

from dataclasses import dataclass, field

from ..models.rollup import Tier
from ..rollups.cells import HOUR_OF_RUN
from .figure_sql import LEDGER, RUNS_OF_HOURS, fresh
from .layers import AGENTS, RUNS, Layer
from .question import Dimension
from .run_filter import ResolvedFilter
from .spans import Span, Spans
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

    def add_hours(
        self, spans: Spans, table: str, of_cells: str, of_runs: str, *, cells: str = "", runs: str = ""
    ) -> None:
        """What lies in the spans: from the hours of a table, and from runs where these hold none yet.

        `cells` and `runs` are conditions that narrow them further.
        """
        for span in spans.ends:
            self.add(RUNS, of_runs, "run r", f"{self.during('r.started_at', span)}{runs}")
        if spans.whole is None:
            return
        held = self.during("c.starts_at", spans.whole) + fresh(Tier.HOUR, "c.agent_id")
        self.add(AGENTS, of_cells, f"{table} c", f"{held}{cells}")
        stale = f"h.tier = {Tier.HOUR:d} AND {self.during('h.starts_at', spans.whole)}"
        self.add(RUNS, of_runs, RUNS_OF_HOURS, f"{stale}{runs}")
        unfolded = self.during("r.started_at", spans.whole) + fresh(Tier.HOUR, "r.agent_id", HOUR_OF_RUN)
        self.add(RUNS, of_runs, LEDGER, f"{unfolded}{runs}")

    def during(self, column: str, span: Span) -> str:
        """Condition: an instant lies within a span."""
        arg = self.statement.arg
        return f"{column} >= {arg(span.from_)} AND {column} < {arg(span.to)}"

    def union(self) -> str:
        return "\n    UNION ALL".join(self._selects)
