"""The figures of agents. The first four families have the names, labels and buckets that dashboards were built on.

`agent_id` is the project's slug, a slash and the agent's name: unique, stable and readable, with no join.
No family has more than so many series. Beyond that the rows with the fewest runs are left out, and counted.
Nothing sums them up: a series that grew into the bound would make such a sum fall, which no counter may do.
"""

from collections.abc import Sequence
from typing import TypeVar

from ..resolvers.series import AgentSeries, ErrorSeries, ModelSeries, Most, Series
from ..rollups.histogram import PROMETHEUS_MS
from .exposition import Family, Kind

Row = TypeVar("Row")

BOUNDS = (*(f"{ms / 1000}" for ms in PROMETHEUS_MS), "+Inf")
"""Of the buckets of durations, in seconds."""

STATUSES = ("succeeded", "failed", "cancelled", "timed_out")
USAGE = ("agent_id", "model", "provider")


def agent_families(series: Series, most_series: int) -> list[Family]:
    return _Bounded(most_series).families(series)


class _Bounded:
    def __init__(self, most_series: int) -> None:
        self._most = most_series
        self._left_out = Family(
            "formicary_metrics_left_out_series",
            Kind.GAUGE,
            "Series of a family that FORMICARY_METRICS_MAX_SERIES has left out.",
            "family",
        )

    def families(self, series: Series) -> list[Family]:
        agents, errors, models = series.agents, series.errors, series.models
        return [
            self._executions(agents),
            self._durations(agents),
            self._errors(errors),
            self._success_rates(agents),
            self._info(agents),
            self._runs(models),
            self._tokens(models),
            self._costs(models),
            self._left_out,
        ]

    def _executions(self, agents: Most[AgentSeries]) -> Family:
        about = "Runs that have ended, by how they ended."
        family = Family("agent_execution_total", Kind.COUNTER, about, "agent_id", "status")
        for agent in self._within(family, agents, len(STATUSES)):
            for status in STATUSES:
                family.add(getattr(agent, status), _id(agent), status)
        return family

    def _durations(self, agents: Most[AgentSeries]) -> Family:
        about = "Seconds that runs took which succeeded, failed or timed out and whose duration is known."
        family = Family("agent_execution_duration_seconds", Kind.HISTOGRAM, about, "agent_id")
        for agent in self._within(family, agents, len(BOUNDS) + 2):
            counts = (*agent.buckets, agent.timed_runs)
            family.add_histogram(BOUNDS, counts, agent.duration_ms / 1000, _id(agent))
        return family

    def _errors(self, errors: Most[ErrorSeries]) -> Family:
        about = "Runs that failed or timed out, by the type of their error; empty where none was stated."
        family = Family("agent_execution_errors_total", Kind.COUNTER, about, "agent_id", "error_type")
        for error in self._within(family, errors, 1):
            family.add(error.runs, _id(error), error.error_type)
        return family

    def _success_rates(self, agents: Most[AgentSeries]) -> Family:
        about = (
            "Part of all runs that succeeded, of those that succeeded, failed or timed out; none without such a run."
        )
        family = Family("agent_success_rate", Kind.GAUGE, about, "agent_id")
        for agent in self._within(family, agents, 1):
            if (success_rate := agent.success_rate) is not None:
                family.add(success_rate, _id(agent))
        return family

    def _info(self, agents: Most[AgentSeries]) -> Family:
        about = "1 for every agent, with its name and project apart."
        family = Family("formicary_agent_info", Kind.GAUGE, about, "agent_id", "agent", "project")
        for agent in self._within(family, agents, 1):
            family.add(1, _id(agent), agent.agent, agent.project)
        return family

    def _runs(self, models: Most[ModelSeries]) -> Family:
        about = "Runs that have ended, by model and provider; empty where none was stated."
        family = Family("formicary_runs_total", Kind.COUNTER, about, *USAGE)
        for model in self._within(family, models, 1):
            family.add(model.runs, _id(model), model.model, model.provider)
        return family

    def _tokens(self, models: Most[ModelSeries]) -> Family:
        about = "Tokens of runs that have ended, by model, provider and type (input or output)."
        family = Family("formicary_tokens_total", Kind.COUNTER, about, *USAGE, "type")
        for model in self._within(family, models, 2):
            family.add(model.input_tokens, _id(model), model.model, model.provider, "input")
            family.add(model.output_tokens, _id(model), model.model, model.provider, "output")
        return family

    def _costs(self, models: Most[ModelSeries]) -> Family:
        about = "Cost in USD of runs that have ended and whose cost is known, by model and provider."
        family = Family("formicary_cost_usd_total", Kind.COUNTER, about, *USAGE)
        for model in self._within(family, models, 1):
            family.add(model.cost, _id(model), model.model, model.provider)
        return family

    def _within(self, family: Family, most: Most[Row], width: int) -> Sequence[Row]:
        """As many rows as there is room for, `width` series each."""
        rows = most.rows[: self._most // width]
        self._left_out.add((most.found - len(rows)) * width, family.name)
        return rows


def _id(row: AgentSeries | ErrorSeries | ModelSeries) -> str:
    return f"{row.project}/{row.agent}"
