"""A browser that is logged in to the dashboard by an API key. Only a hash of its cookie is kept."""

from datetime import datetime

from sqlalchemy import UniqueConstraint, text
from sqlmodel import SQLModel

from .columns import bigint, identity, timestamptz


class DashboardSession(SQLModel, table=True):
    """It ends at `expires_at`, when it is not used for some time, when it is revoked, and when its key is."""

    __tablename__ = "dashboard_session"
    __table_args__ = (UniqueConstraint("hash", name="dashboard_session_hash_key"),)

    id: int | None = identity()
    key_id: int = bigint()
    hash: str
    created_at: datetime = timestamptz(sa_column_kwargs={"server_default": text("now()")})
    last_seen_at: datetime = timestamptz(sa_column_kwargs={"server_default": text("now()")})
    expires_at: datetime = timestamptz()
    revoked_at: datetime | None = timestamptz(default=None, nullable=True)
