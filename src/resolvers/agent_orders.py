"""In which orders the dashboard lists agents: by what they are, or by how they did in a range."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..models.agent import FIRST_PHEROMONE_SCORE
from . import agents, sql_value
from .agents import AgentStatus
from .metrics import Metrics
from .page import Order


@dataclass(frozen=True, slots=True)
class AgentOrder:
    """By a value of the table's row, or by a `figure` of the range; agents for which that is unknown come last."""

    name: str
    expression: str
    cast: str
    parse: Callable[[str], object]
    figure: Callable[[Metrics], float | None] | None = None

    def order(self, *, descending: bool) -> Order[Any]:
        unknown = "-Infinity" if descending else "Infinity"
        return Order(
            self.name,
            self.expression.replace("{unknown}", unknown),
            self.cast,
            lambda card: card.rank,
            self.parse,
            descending=descending,
            id_column="a.id",
        )


STATUSES = [status.value for status in (AgentStatus.ERROR, AgentStatus.BUSY, AgentStatus.IDLE, AgentStatus.DISABLED)]
"""The one first that needs a person most."""

TEN_DIGITS = r"\d" * 10
BY_NUMBERS = rf"regexp_replace(regexp_replace({{}}, '(\d+)', '0000000000\1', 'g'), '0*({TEN_DIGITS}\d*)', '\1', 'g')"
"""So that 1.10 is after 1.9: all numbers in a text get ten digits."""


def average_ms(metrics: Metrics) -> float | None:
    return metrics.latency.average_ms if metrics.latency else None


def spend(metrics: Metrics) -> float | None:
    """Unknown where no run's cost is known."""
    return None if metrics.cost.per_run is None else float(metrics.cost.total)


def _text(name: str, column: str) -> AgentOrder:
    return AgentOrder(name, f'{column} COLLATE "C"', "text", str)


def _by_figure(name: str, figure: Callable[[Metrics], float | None]) -> AgentOrder:
    return AgentOrder(name, "coalesce(f.figure, '{unknown}')", "float8", float, figure)


SCORE = AgentOrder("score", f"coalesce(s.pheromone_score, {FIRST_PHEROMONE_SCORE})", "float8", float)

ORDERS = {
    order.name: order
    for order in (
        SCORE,
        _text("name", "lower(coalesce(a.display_name, a.name))"),
        _text("project", "p.slug"),
        AgentOrder("status", f"array_position(ARRAY{STATUSES}, {agents.STATUS_SQL})", "int", int),
        AgentOrder("last_seen", "coalesce(s.last_active_at, 'epoch')", "timestamptz", sql_value.instant),
        _text("version", BY_NUMBERS.format("coalesce(v.version, '')")),
        _text("cluster", "coalesce(v.cluster, '')"),
        _by_figure("runtime", average_ms),
        _by_figure("success_rate", lambda metrics: metrics.success_rate),
        _by_figure("runs", lambda metrics: metrics.runs or None),
        _by_figure("spend", spend),
    )
}
