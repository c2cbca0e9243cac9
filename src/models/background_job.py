"""When background work last ran, and who leads it."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from .columns import bigint, timestamptz


class BackgroundJob(SQLModel, table=True):
    __tablename__ = "background_job"

    name: str = Field(primary_key=True)
    last_started_at: datetime | None = timestamptz(default=None, nullable=True)
    last_finished_at: datetime | None = timestamptz(default=None, nullable=True)
    last_duration_ms: int | None = bigint(default=None, nullable=True)
    last_error: str | None = None
    next_at: datetime | None = timestamptz(default=None, nullable=True)


class Leader(SQLModel, table=True):
    """Who does the background work until `expires_at`; one row a kind of work."""

    __tablename__ = "leader"

    name: str = Field(primary_key=True)
    holder: str
    elected_at: datetime = timestamptz()
    expires_at: datetime = timestamptz()
