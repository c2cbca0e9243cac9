"""What all runs ever came to, as the fold has stored it, for Prometheus (see models/series.py).

Neither retention nor a restart changes these figures, no counter falls, and every process reads the same. What the
ledger holds is not in them yet. The rows with the most runs come first, so that a bound leaves out what matters least.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

from ..db import Database
from ..models.series import SeriesKind
from ..rollups.fold import LAG
from ..rollups.histogram import PROMETHEUS_MS
from ..rollups.series import shown
from .metrics import rate
from .scope import Scope

T = TypeVar("T")


def _sum(column: str, condition: str) -> str:
    return f"coalesce(sum({column}) FILTER (WHERE {condition}), 0)::bigint"


AGENTS = f"""
    SELECT count(*) OVER () AS found, p.slug, a.name,
        {_sum(shown("runs"), "s.status = 2")} AS succeeded, {_sum(shown("runs"), "s.status = 3")} AS failed,
        {_sum(shown("runs"), "s.status = 4")} AS cancelled, {_sum(shown("runs"), "s.status = 5")} AS timed_out,
        {_sum(shown("timed_runs"), "true")} AS timed_runs, {_sum(shown("duration_ms"), "true")} AS duration_ms,
        ARRAY[{", ".join(_sum(shown(f"le_{bound}"), "true") for bound in PROMETHEUS_MS)}] AS buckets,
        {_sum("s.runs", "s.status = 2")} AS successes, {_sum("s.runs", "s.status IN (3, 5)")} AS failures
    FROM agent a JOIN project p ON p.id = a.project_id
    LEFT JOIN run_series s ON s.agent_id = a.id AND s.kind = {SeriesKind.STATUS:d}
    WHERE $1::bigint[] IS NULL OR a.project_id = ANY($1)
    GROUP BY a.id, p.id
    ORDER BY coalesce(sum(s.runs), 0) DESC, p.slug COLLATE "C", a.name COLLATE "C"
    LIMIT $2"""

ERRORS = f"""
    SELECT count(*) OVER () AS found, p.slug, a.name, s.error_type, {shown("runs")} AS runs
    FROM run_series s JOIN agent a ON a.id = s.agent_id JOIN project p ON p.id = a.project_id
    WHERE s.kind = {SeriesKind.ERROR:d} AND ($1::bigint[] IS NULL OR a.project_id = ANY($1))
    ORDER BY s.runs DESC, p.slug COLLATE "C", a.name COLLATE "C", s.error_type COLLATE "C"
    LIMIT $2"""

MODELS = f"""
    SELECT count(*) OVER () AS found, p.slug, a.name, s.model, s.provider, {shown("runs")} AS runs,
        {shown("input_tokens")} AS input_tokens, {shown("output_tokens")} AS output_tokens,
        {shown("cost")}::float8 AS cost
    FROM run_series s JOIN agent a ON a.id = s.agent_id JOIN project p ON p.id = a.project_id
    WHERE s.kind = {SeriesKind.MODEL:d} AND ($1::bigint[] IS NULL OR a.project_id = ANY($1))
    ORDER BY s.runs DESC, p.slug COLLATE "C", a.name COLLATE "C", s.model COLLATE "C", s.provider COLLATE "C"
    LIMIT $2"""


@dataclass(frozen=True, slots=True)
class AgentSeries:
    """An agent, also one without runs.

    `buckets` count the durations up to each of PROMETHEUS_MS, of `timed_runs`. `successes` and `failures` are as they
    are: a correction lowers them, while the counters stay.
    """

    project: str
    agent: str
    succeeded: int
    failed: int
    cancelled: int
    timed_out: int
    timed_runs: int
    duration_ms: int
    buckets: list[int]
    successes: int
    failures: int

    @property
    def success_rate(self) -> float | None:
        return rate(self.successes, self.successes + self.failures)


@dataclass(frozen=True, slots=True)
class ErrorSeries:
    """An agent's failed and timed out runs with one type of error, '' where none was stated."""

    project: str
    agent: str
    error_type: str
    runs: int


@dataclass(frozen=True, slots=True)
class ModelSeries:
    """An agent's runs with a model of a provider, each '' where none was stated. `cost` in USD."""

    project: str
    agent: str
    model: str
    provider: str
    runs: int
    input_tokens: int
    output_tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class Most(Generic[T]):
    """The rows with the most runs, and how many rows there are."""

    rows: list[T]
    found: int


@dataclass(frozen=True, slots=True)
class Series:
    """Of one moment. The ledger holds `unfolded_batches` more, the oldest since `fold_lag` seconds."""

    agents: Most[AgentSeries]
    errors: Most[ErrorSeries]
    models: Most[ModelSeries]
    unfolded_batches: int
    fold_lag: float


async def read(db: Database, scope: Scope, most: int) -> Series:
    """Up to `most` rows of each kind."""
    projects = None if scope is None else sorted(scope)
    async with db.snapshot() as connection:
        agents = await connection.fetch(AGENTS, projects, most)
        errors = await connection.fetch(ERRORS, projects, most)
        models = await connection.fetch(MODELS, projects, most)
        unfolded = await connection.fetchrow(LAG)
    return Series(
        agents=Most([AgentSeries(*row[1:]) for row in agents], agents[0]["found"] if agents else 0),
        errors=Most([ErrorSeries(*row[1:]) for row in errors], errors[0]["found"] if errors else 0),
        models=Most([ModelSeries(*row[1:]) for row in models], models[0]["found"] if models else 0),
        unfolded_batches=unfolded["batches"],
        fold_lag=max(0.0, unfolded["seconds"] or 0.0),  # clocks differ a little
    )
