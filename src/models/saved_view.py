"""An address of the dashboard that somebody gave a name."""

from datetime import datetime

from sqlalchemy import UniqueConstraint, text
from sqlmodel import SQLModel

from .columns import bigint, identity, timestamptz


class SavedView(SQLModel, table=True):
    """`key_id` is that of the key which saved it, null on a server that ran open; `path` goes with its query."""

    __tablename__ = "saved_view"
    __table_args__ = (
        UniqueConstraint("key_id", "name", name="saved_view_key_id_name_key", postgresql_nulls_not_distinct=True),
    )

    id: int | None = identity()
    key_id: int | None = bigint(default=None, nullable=True)
    is_shared: bool
    name: str
    path: str
    created_at: datetime = timestamptz(sa_column_kwargs={"server_default": text("now()")})
