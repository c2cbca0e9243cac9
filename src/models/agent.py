"""An agent, and the part of it that every batch of runs may change."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from .columns import bigint, identity, jsonb, timestamptz

FIRST_PHEROMONE_SCORE = 0.5


class Agent(SQLModel, table=True):
    """Who runs: named by its project and name, changed only by people."""

    __tablename__ = "agent"
    __table_args__ = (UniqueConstraint("project_id", "name", name="agent_project_id_name_key"),)

    id: int | None = identity()
    project_id: int = bigint(foreign_key="project.id")
    name: str
    display_name: str | None = None
    focus_type: str | None = None
    disabled: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    metadata_: dict[str, Any] | None = jsonb(default=None, sa_column_kwargs={"name": "metadata"})
    created_at: datetime = timestamptz(sa_column_kwargs={"server_default": text("now()")})


class AgentState(SQLModel, table=True):
    """What an agent's runs say of it so far; written in the transaction that records them.

    Kept rather than derived, because it must outlive the raw runs (retention drops those).
    `consecutive_failures` counts the failed and timed out runs that started after `last_success_at`,
    the start of the succeeded run that started last. `last_error_*` tell of the failed run that started last.
    """

    __tablename__ = "agent_state"
    __table_args__ = (Index("agent_state_pheromone_score_idx", "pheromone_score"),)

    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last_active_at: datetime | None = timestamptz(default=None, nullable=True)
    last_started_at: datetime | None = timestamptz(default=None, nullable=True)
    last_success_at: datetime | None = timestamptz(default=None, nullable=True)
    consecutive_failures: int = bigint(default=0, sa_column_kwargs={"server_default": text("0")})
    last_error_started_at: datetime | None = timestamptz(default=None, nullable=True)
    last_error_at: datetime | None = timestamptz(default=None, nullable=True)
    last_error_run_id: int | None = bigint(default=None, nullable=True)
    last_error_type: str | None = None
    last_error_message: str | None = None
    pheromone_score: float = Field(
        default=FIRST_PHEROMONE_SCORE, sa_column_kwargs={"server_default": text(str(FIRST_PHEROMONE_SCORE))}
    )
    pheromone_at: datetime | None = timestamptz(default=None, nullable=True)
