"""A run: one execution of an agent, the fact that everything else counts.

`run` is partitioned by `started_at` (one partition a week, plus a default one for whatever lies outside).
A unique constraint cannot span partitions, so `run_key` is the arbiter of identity: whoever inserts
(agent, external id) there has made the run, everybody after finds it. Both obey the Citus rules: the
distribution column first in every key, no foreign key, no trigger.
"""

from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any

from sqlalchemy import Index, Numeric, SmallInteger, text
from sqlmodel import Field, SQLModel

from .columns import bigint, jsonb, timestamptz


class RunStatus(IntEnum):
    """The life of a run. The first two are unfinished; the others are final."""

    QUEUED = 0
    RUNNING = 1
    SUCCEEDED = 2
    FAILED = 3
    CANCELLED = 4
    TIMED_OUT = 5

    @property
    def is_failure(self) -> bool:
        return self in {RunStatus.FAILED, RunStatus.TIMED_OUT}


class CostSource(IntEnum):
    """Where a run's cost is from: the caller, a price per model, or nowhere (the cost is then null)."""

    REPORTED = 0
    ESTIMATED = 1
    UNKNOWN = 2


class RunKey(SQLModel, table=True):
    """(agent, external id) of a run, held once."""

    __tablename__ = "run_key"
    __table_args__ = (
        Index("run_key_started_at_idx", "started_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    )

    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    external_id: str = Field(primary_key=True)
    run_id: int = bigint()
    started_at: datetime = timestamptz()


_PUNCTUATION = '_./:-()[]{}<>=,;#@"'


def words_of(text_sql: str) -> str:
    """SQL for the words of a text as error messages are indexed; punctuation would glue words together."""
    return f"to_tsvector('simple'::regconfig, translate({text_sql}, '{_PUNCTUATION}', '{' ' * len(_PUNCTUATION)}'))"


ERROR_WORDS = words_of("error_message")
"""The words of an error message, which the index holds."""


def _some(column: str) -> Index:
    """An index for "the newest with this value", of a column that is often null."""
    return Index(f"run_{column}_started_at_idx", column, "started_at", postgresql_where=text(f"{column} IS NOT NULL"))


class Run(SQLModel, table=True):
    """`started_at` is where the run lies in time: the start, or the best known stand-in until one is given.

    `provisional` says which fields may still be overridden by an earlier stage of the run that arrives late
    (see ingest/merge.py); it is null for a run that was recorded in one piece, which nearly all are.
    `batch_id` names the batch that wrote what the tiers are to hold of a final run (see models/rollup.py).
    """

    __tablename__ = "run"
    __table_args__ = (
        Index("run_agent_id_started_at_idx", "agent_id", "started_at", "id"),
        Index("run_started_at_idx", "started_at", "id"),
        Index("run_project_id_started_at_idx", "project_id", "started_at", "id"),
        Index("run_version_id_started_at_idx", "version_id", "started_at"),
        Index("run_status_started_at_idx", "status", "started_at", postgresql_where=text("status <> 2")),
        Index(
            "run_failed_idx",
            "agent_id",
            "started_at",
            postgresql_where=text("status IN (3, 5) OR error_type IS NOT NULL"),
        ),
        Index("run_unfinished_idx", "agent_id", "started_at", postgresql_where=text("status IN (0, 1)")),
        _some("model"),
        _some("provider"),
        _some("initiator"),
        _some("user_id"),
        _some("session_id"),
        _some("trace_id"),
        _some("task_id"),
        _some("error_type"),
        Index(
            "run_parent_idx",
            "parent_agent_id",
            "parent_external_id",
            "started_at",
            postgresql_where=text("parent_external_id IS NOT NULL"),
        ),
        Index("run_duration_ms_idx", text("coalesce(duration_ms, -1)"), "id"),
        Index("run_cost_idx", text("coalesce(cost, -1)"), "id"),
        Index("run_total_tokens_idx", text("coalesce(total_tokens, -1)"), "id"),
        Index("run_tools_idx", "tools", postgresql_using="gin", postgresql_where=text("tools IS NOT NULL")),
        Index("run_error_started_at_idx", "started_at", "id", postgresql_where=text("error_message IS NOT NULL")),
        Index(
            "run_error_message_idx",
            text(ERROR_WORDS),
            postgresql_using="gin",
            postgresql_where=text("error_message IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (started_at)"},
    )

    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    started_at: datetime = timestamptz(primary_key=True)
    project_id: int = bigint()
    version_id: int = bigint()
    status: RunStatus = Field(sa_type=SmallInteger)
    external_id: str | None = None
    queued_at: datetime | None = timestamptz(default=None, nullable=True)
    ended_at: datetime | None = timestamptz(default=None, nullable=True)
    duration_ms: int | None = bigint(default=None, nullable=True)
    model: str | None = None
    provider: str | None = None
    models: list[str] | None = jsonb(default=None, nullable=True)
    tools: list[str] | None = jsonb(default=None, nullable=True)
    input_tokens: int | None = bigint(default=None, nullable=True)
    output_tokens: int | None = bigint(default=None, nullable=True)
    total_tokens: int | None = bigint(default=None, nullable=True)
    cached_input_tokens: int | None = bigint(default=None, nullable=True)
    time_to_first_token_ms: int | None = bigint(default=None, nullable=True)
    cost: Decimal | None = Field(default=None, sa_type=Numeric)
    cost_source: CostSource = Field(sa_type=SmallInteger)
    error_type: str | None = None
    error_message: str | None = None
    initiator: str | None = None
    task_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_agent_id: int | None = bigint(default=None, nullable=True)
    parent_external_id: str | None = None
    session_id: str | None = None
    user_id: str | None = None
    input_length: int | None = bigint(default=None, nullable=True)
    output_length: int | None = bigint(default=None, nullable=True)
    files_created: int | None = None
    files_modified: int | None = None
    messages: int = 1
    pheromone_score: float | None = None
    metadata_: dict[str, Any] | None = jsonb(default=None, sa_column_kwargs={"name": "metadata"})
    provisional: int | None = bigint(default=None, nullable=True)
    recorded_at: datetime = timestamptz()
    batch_id: int | None = bigint(default=None, nullable=True)
