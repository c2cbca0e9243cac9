"""A version of an agent, and when its runs were last seen."""

from datetime import datetime

from sqlalchemy import UniqueConstraint, text
from sqlmodel import SQLModel

from .columns import bigint, identity, jsonb, timestamptz


class AgentVersion(SQLModel, table=True):
    __tablename__ = "agent_version"
    __table_args__ = (UniqueConstraint("agent_id", "version", name="agent_version_agent_id_version_key"),)

    id: int | None = identity()
    agent_id: int = bigint(foreign_key="agent.id")
    version: str
    cluster: str | None = None
    deployment: str | None = None
    tools: list[str] = jsonb(default=[], sa_column_kwargs={"server_default": text("'[]'::jsonb")})
    models: list[str] = jsonb(default=[], sa_column_kwargs={"server_default": text("'[]'::jsonb")})
    created_at: datetime = timestamptz(sa_column_kwargs={"server_default": text("now()")})


class VersionState(SQLModel, table=True):
    """When a run of a version was last active; written in the transaction that records the runs."""

    __tablename__ = "version_state"

    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last_seen_at: datetime = timestamptz()
