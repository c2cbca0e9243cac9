"""The cards of an agent's figures over the range, each with its change against the range before."""

from collections.abc import Callable
from dataclasses import dataclass

from formicary.resolvers.metrics import Latency, Metrics
from formicary.resolvers.ranges import ResolvedRange

from .figure_charts import FINAL, spend
from .meanings import COUNT, FEWER, MONEY, SUCCESS, TIME
from .place import Place
from .stat_card import Behind, Card, Figure, Meaning, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """The distinct ones of the last 24 hours."""

    number: int
    range: ResolvedRange


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCards:
    """What they are made of: `metrics` have those of the range before, where they are known."""

    agent_id: int
    metrics: Metrics
    sessions: Sessions
    place: Place

    def all(self) -> list[Card]:
        return [
            self._card("Runs", self._of_all("", COUNT, lambda m: m.runs)),
            self._card("Success rate", self._of_ended("", SUCCESS, lambda m: m.success_rate)),
            self._card(
                "Latency",
                self._of_ended("p50", TIME, _latency(lambda latency: latency.p50_ms)),
                self._of_ended("p95", TIME, _latency(lambda latency: latency.p95_ms)),
            ),
            self._card(
                "Cost",
                self._of_all("", MONEY, spend),
                self._of_all("a run", MONEY, lambda m: m.cost.per_run),
            ),
            self._card("Tokens per run", self._of_all("", FEWER, lambda m: m.tokens.per_run)),
            self._card(
                "Files",
                self._of_all("created", COUNT, lambda m: m.files_created),
                self._of_all("modified", COUNT, lambda m: m.files_modified),
            ),
            self._card(
                "Sessions",
                COUNT.alone("in 24 h", self._of_last_day(), self.sessions.number),
                self._of_all("in range", COUNT, lambda m: m.distinct_sessions),
            ),
        ]

    def _card(self, title: str, *figures: Figure) -> Card:
        return Card(title=title, figures=figures)

    def _of_all(self, label: str, meaning: Meaning, figure: Callable[[Metrics], Value]) -> Figure:
        behind = Behind(self.place.runs(agent_id=self.agent_id), self.metrics.runs)
        return meaning.figure(label, behind, *self._both(figure))

    def _of_ended(self, label: str, meaning: Meaning, figure: Callable[[Metrics], Value]) -> Figure:
        runs = self.metrics.succeeded + self.metrics.failed
        behind = Behind(self.place.runs(agent_id=self.agent_id, status=FINAL), runs)
        return meaning.figure(label, behind, *self._both(figure))

    def _of_last_day(self) -> Behind:
        range_ = self.sessions.range
        return Behind(self.place.during(range_.from_, range_.to, agent_id=self.agent_id))

    def _both(self, figure: Callable[[Metrics], Value]) -> tuple[Value, Value]:
        before = self.metrics.previous
        return figure(self.metrics), figure(before) if before else None


def _latency(figure: Callable[[Latency], float]) -> Callable[[Metrics], float | None]:
    return lambda metrics: figure(metrics.latency) if metrics.latency else None
