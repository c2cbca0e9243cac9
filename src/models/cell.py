"""Cells: what the final runs of one key and one stretch of time come to, in a form that adds up.

`run_hour` holds them by agent, version, model, provider, status, error type and hour; several cells of one key and
hour stand side by side until they are merged. `run_day` is made of the hours, `project_hour` and `project_day` of
both, over all agents of a project. A text that no run stated is '' here.

`durations` and `costs` are histograms: entries of `bucket << 20 | count`, in which a bucket may stand more than once
(see rollups/histogram.py). `users` and `sessions` are sets of 64-bit hashes, sorted.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Index, Integer, Numeric, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from .columns import bigint, identity, timestamptz
from .run import RunStatus


class _Sums(SQLModel):
    """Sums over the runs of a cell. `duration_ms` and its bounds are of the succeeded and failed runs that have one."""

    runs: int
    timed_runs: int
    token_runs: int
    estimated_runs: int
    unknown_runs: int
    scored_runs: int
    files_created: int = bigint()
    files_modified: int = bigint()
    messages: int = bigint()
    input_tokens: int = bigint()
    output_tokens: int = bigint()
    total_tokens: int = bigint()
    duration_ms: int = bigint()
    min_duration_ms: int | None = bigint(default=None, nullable=True)
    max_duration_ms: int | None = bigint(default=None, nullable=True)
    cost: Decimal = Field(sa_type=Numeric)
    score: Decimal = Field(sa_type=Numeric)
    durations: list[int] | None = Field(default=None, sa_type=ARRAY(Integer))
    costs: list[int] | None = Field(default=None, sa_type=ARRAY(Integer))
    users: list[int] | None = Field(default=None, sa_type=ARRAY(BigInteger))
    sessions: list[int] | None = Field(default=None, sa_type=ARRAY(BigInteger))


class _AgentCell(_Sums):
    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    starts_at: datetime = timestamptz(primary_key=True)
    id: int | None = identity()
    version_id: int = bigint()
    status: RunStatus = Field(sa_type=SmallInteger)
    model: str
    provider: str
    error_type: str


class _ProjectCell(_Sums):
    project_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    starts_at: datetime = timestamptz(primary_key=True)
    status: RunStatus = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})


class RunHour(_AgentCell, table=True):
    __tablename__ = "run_hour"
    __table_args__ = (Index("run_hour_starts_at_idx", "starts_at", "agent_id"),)


class RunDay(_AgentCell, table=True):
    __tablename__ = "run_day"
    __table_args__ = (Index("run_day_starts_at_idx", "starts_at", "agent_id"),)


class ProjectHour(_ProjectCell, table=True):
    __tablename__ = "project_hour"


class ProjectDay(_ProjectCell, table=True):
    __tablename__ = "project_day"


class RunTotal(SQLModel, table=True):
    """Sums of all time, which neither retention nor expiry changes.

    `le_*` count the durations up to so many milliseconds: the buckets that Prometheus is promised.
    """

    __tablename__ = "run_total"

    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    status: RunStatus = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    model: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    error_type: str = Field(primary_key=True)
    runs: int = bigint()
    timed_runs: int = bigint()
    token_runs: int = bigint()
    estimated_runs: int = bigint()
    unknown_runs: int = bigint()
    files_created: int = bigint()
    files_modified: int = bigint()
    messages: int = bigint()
    input_tokens: int = bigint()
    output_tokens: int = bigint()
    total_tokens: int = bigint()
    duration_ms: int = bigint()
    cost: Decimal = Field(sa_type=Numeric)
    le_100: int = bigint()
    le_500: int = bigint()
    le_1000: int = bigint()
    le_2000: int = bigint()
    le_5000: int = bigint()
    le_10000: int = bigint()
    le_30000: int = bigint()
    le_60000: int = bigint()


class ErrorHour(SQLModel, table=True):
    """Failed runs of one hour with the same kind of message; several rows of one key may stand side by side."""

    __tablename__ = "error_hour"
    __table_args__ = (Index("error_hour_starts_at_idx", "starts_at", "agent_id"),)

    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    starts_at: datetime = timestamptz(primary_key=True)
    id: int | None = identity()
    version_id: int = bigint()
    status: RunStatus = Field(sa_type=SmallInteger)
    model: str
    provider: str
    error_type: str
    fingerprint: str
    message: str
    runs: int
    first_at: datetime = timestamptz()
    last_at: datetime = timestamptz()
    last_run_id: int = bigint()
