"""An API key. Only a hash of it is kept; the key itself is shown once, when it is made."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import UniqueConstraint, text
from sqlmodel import SQLModel

from .columns import identity, jsonb, timestamptz


class Role(StrEnum):
    """What a key may do: record runs, read, or everything."""

    INGEST = "INGEST"
    READ = "READ"
    ADMIN = "ADMIN"


class ApiKey(SQLModel, table=True):
    """`prefix` is the public part by which people tell keys apart; `project_ids` is null where all are allowed."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("prefix", name="api_key_prefix_key"),
        UniqueConstraint("hash", name="api_key_hash_key"),
    )

    id: int | None = identity()
    name: str = ""
    prefix: str
    hash: str
    role: str
    project_ids: list[int] | None = jsonb(default=None, nullable=True)
    created_at: datetime = timestamptz(sa_column_kwargs={"server_default": text("now()")})
    last_used_at: datetime | None = timestamptz(default=None, nullable=True)
    revoked_at: datetime | None = timestamptz(default=None, nullable=True)
