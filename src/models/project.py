"""A project: the namespace of agents, and what an API key can be bound to."""

from datetime import datetime

from sqlalchemy import UniqueConstraint, text
from sqlmodel import SQLModel

from .columns import identity, timestamptz


class Project(SQLModel, table=True):
    __tablename__ = "project"
    __table_args__ = (UniqueConstraint("slug", name="project_slug_key"),)

    id: int | None = identity()
    slug: str
    name: str
    created_at: datetime = timestamptz(sa_column_kwargs={"server_default": text("now()")})
