"""Runs: what they are, their orders, and reading them by their ids; pages of them are in run_page.py."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from ..db import Database
from ..ingest.row import RunRow
from ..models.run import CostSource, RunStatus
from . import sql_value
from .agents import RunError
from .page import Order
from .scope import Scope


@dataclass(frozen=True, slots=True)
class Run:
    """A row of `run` as it is stored; JSON columns are decoded when they are asked for."""

    agent_id: int
    id: int
    started_at: datetime
    project_id: int
    version_id: int
    status_code: int
    external_id: str | None
    queued_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    model: str | None
    provider: str | None
    models_json: str | None
    tools_json: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    time_to_first_token_ms: int | None
    cost: Decimal | None
    cost_source_code: int
    error_type: str | None
    error_message: str | None
    initiator: str | None
    task_id: str | None
    trace_id: str | None
    span_id: str | None
    parent_agent_id: int | None
    parent_external_id: str | None
    session_id: str | None
    user_id: str | None
    input_length: int | None
    output_length: int | None
    files_created: int | None
    files_modified: int | None
    messages: int
    pheromone_score: float | None
    metadata_json: str | None
    recorded_at: datetime

    @property
    def status(self) -> RunStatus:
        return RunStatus(self.status_code)

    @property
    def cost_source(self) -> CostSource:
        return CostSource(self.cost_source_code)

    @property
    def models(self) -> list[str]:
        return _texts(self.models_json)

    @property
    def tools(self) -> list[str]:
        return _texts(self.tools_json)

    @property
    def metadata(self) -> dict[str, Any]:
        return {} if self.metadata_json is None else msgspec.json.decode(self.metadata_json, type=dict[str, Any])

    @property
    def error(self) -> RunError | None:
        if not self.status.is_failure and self.error_type is None and self.error_message is None:
            return None
        at = self.ended_at or self.started_at
        return RunError(self.error_type, self.error_message, at, self.agent_id, self.id)


_STORED_AS = {
    "status_code": "status",
    "cost_source_code": "cost_source",
    "models_json": "models",
    "tools_json": "tools",
    "metadata_json": "metadata",
}
COLUMNS = ", ".join(f"r.{_STORED_AS.get(field.name, field.name)}" for field in fields(Run))

ORDERS: dict[str, Order[Run]] = {
    "STARTED": Order(
        "STARTED",
        "r.started_at",
        "timestamptz",
        lambda run: run.started_at.isoformat(),
        sql_value.instant,
        id_column="r.id",
    ),
    "DURATION": Order(
        "DURATION",
        "coalesce(r.duration_ms, -1)",
        "bigint",
        lambda run: -1 if run.duration_ms is None else run.duration_ms,
        sql_value.bigint,
        id_column="r.id",
    ),
    "COST": Order(
        "COST",
        "coalesce(r.cost, -1)",
        "numeric",
        lambda run: -1 if run.cost is None else run.cost,
        sql_value.numeric,
        id_column="r.id",
    ),
    "TOKENS": Order(
        "TOKENS",
        "coalesce(r.total_tokens, -1)",
        "bigint",
        lambda run: -1 if run.total_tokens is None else run.total_tokens,
        sql_value.bigint,
        id_column="r.id",
    ),
}
"""By the names of the contract's RunOrderField, ascending. An unknown value comes before every known one."""


def ordered(name: str, *, descending: bool) -> Order[Run]:
    return replace(ORDERS[name], descending=descending)


NEWEST_FIRST = ordered("STARTED", descending=True)

RUN_BY_ID = f"SELECT {COLUMNS} FROM run r WHERE r.agent_id = $1 AND r.id = $2"

RUNS_BY_IDS = f"""
    SELECT {COLUMNS} FROM unnest($1::bigint[], $2::bigint[]) AS n (agent_id, id)
    JOIN run r ON r.agent_id = n.agent_id AND r.id = n.id"""

RUNS_BY_EXTERNAL_IDS = f"""
    SELECT {COLUMNS} FROM unnest($1::bigint[], $2::text[]) AS n (agent_id, external_id)
    JOIN run_key k ON k.agent_id = n.agent_id AND k.external_id = n.external_id
    JOIN run r ON r.agent_id = k.agent_id AND r.id = k.run_id AND r.started_at = k.started_at"""


async def by_ids(db: Database, scope: Scope, keys: Sequence[tuple[int, int]]) -> list[Run | None]:
    """Runs by (agent id, run id), in that order; None for those that do not exist in the scope."""
    if len(keys) == 1:
        rows = await db.fetch(RUN_BY_ID, *keys[0])
    else:
        rows = await db.fetch(RUNS_BY_IDS, [agent_id for agent_id, _ in keys], [id_ for _, id_ in keys])
    found = {(run.agent_id, run.id): run for run in _visible(rows, scope)}
    return [found.get(key) for key in keys]


async def by_external_ids(db: Database, scope: Scope, keys: Sequence[tuple[int, str]]) -> list[Run | None]:
    """Runs by (agent id, external id), in that order; None for those that were not recorded (yet)."""
    rows = await db.fetch(RUNS_BY_EXTERNAL_IDS, [agent_id for agent_id, _ in keys], [text for _, text in keys])
    found = {(run.agent_id, run.external_id): run for run in _visible(rows, scope)}
    return [found.get(key) for key in keys]


def of_row(row: RunRow) -> Run:
    """A run as it has just been written."""
    return Run(**{field.name: getattr(row, _STORED_AS.get(field.name, field.name)) for field in fields(Run)})


def _visible(rows: Sequence[asyncpg.Record], scope: Scope) -> list[Run]:
    return [Run(*row) for row in rows if scope is None or row["project_id"] in scope]


def _texts(json: str | None) -> list[str]:
    return [] if json is None else msgspec.json.decode(json, type=list[str])
