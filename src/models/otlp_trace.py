"""The spans of a trace, kept for others of it that are still to come."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from .columns import timestamptz


class OtlpTrace(SQLModel, table=True):
    """One row a trace and project; whoever holds its lock may record the runs of the trace.

    `spans` are those of otlp/span.py, as MessagePack. `waiting_since`: from when on the parent of some span has not
    been known; what is below such a span is held back. `is_released`: it has waited for too long, and nothing is held
    back any more. `is_rest`: some runs were recorded from spans that are not kept any more, so what these here say of
    runs is not the whole.
    """

    __tablename__ = "otlp_trace"
    __table_args__ = (
        Index("otlp_trace_updated_at_idx", "updated_at"),
        Index(
            "otlp_trace_waiting_since_idx",
            "waiting_since",
            postgresql_where=text("waiting_since IS NOT NULL AND NOT is_released"),
        ),
    )

    project: str = Field(primary_key=True)
    trace_id: bytes = Field(primary_key=True)
    spans: bytes
    span_count: int
    waiting_since: datetime | None = timestamptz(default=None, nullable=True)
    is_released: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    is_rest: bool = Field(default=False, sa_column_kwargs={"server_default": text("false")})
    updated_at: datetime = timestamptz()
