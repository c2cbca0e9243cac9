"""Cells: what the final runs of one key and one stretch of time come to, in a form that adds up.

`run_hour` holds them by agent, version, model, provider, status, error type and hour; several cells of one key and
hour stand side by side until they are merged. `run_day` is made of the hours, `project_hour` and `project_day` of
both, over all agents of a project. `project_minute` is made of the runs, for the last hours only, and an hour that
has its minutes says so. A text that no run stated is '' here.

`durations` and `costs` are histograms: entries of `bucket << 20 | count`, in which a bucket may stand more than once
(see rollups/histogram.py). `visitors` are the users and sessions, a set of 64-bit hashes; two or less are kept without
the array, whose head takes more than they.

There are millions of cells, so what other columns say already is null: what is 0 in most cells; runs of a kind that
are all of them; the total of tokens where it is input and output; bounds of a single run, and histograms that can be
told from sums and bounds. Only rollups/cells.py knows how to read and write these columns.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    false,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from .columns import TIMESTAMPTZ, bigint
from .run import RunStatus


def _owned_by(owner: str) -> list[Column[Any]]:
    return [
        Column(owner, BigInteger, nullable=False, autoincrement=False),
        Column("starts_at", TIMESTAMPTZ, nullable=False),
        Column("status", SmallInteger, nullable=False, autoincrement=False),
    ]


def _sums() -> list[Column[Any]]:
    """Over the runs of a cell. `duration_ms` and its bounds are of the succeeded and failed runs that have one."""
    always = [Column(name, BigInteger, nullable=False) for name in ("messages", "input_tokens", "output_tokens")]
    large = ("total_tokens", "duration_ms", "min_duration_ms", "max_duration_ms", "files_created", "files_modified")
    small = ("timed_runs", "token_runs", "estimated_runs", "unknown_runs", "scored_runs")
    return [
        *always,
        *(Column(name, BigInteger) for name in large),
        Column("runs", Integer, nullable=False),
        *(Column(name, Integer) for name in small),
        Column("cost", Numeric, nullable=False),
        Column("score", Numeric),
        Column("durations", ARRAY(Integer)),
    ]


def _texts(*names: str) -> list[Column[Any]]:
    return [Column(name, Text, nullable=False) for name in names]


def _by_agent(name: str, *columns: Column[Any]) -> Table:
    """A table without a key of its own, which a class of SQLModel would have to have."""
    return Table(
        name,
        SQLModel.metadata,
        *_owned_by("agent_id"),
        Column("version_id", BigInteger, nullable=False),
        *_texts("model", "provider", "error_type"),
        *columns,
        Index(f"{name}_agent_id_idx", "agent_id", "starts_at"),
        Index(f"{name}_starts_at_idx", "starts_at"),
    )


def _costs() -> Column[Any]:
    return Column("costs", ARRAY(Integer))


run_hour = _by_agent(
    "run_hour",
    *_sums(),
    _costs(),
    Column("visitor", BigInteger),
    Column("other_visitor", BigInteger),
    Column("visitors", ARRAY(BigInteger)),
)
run_day = _by_agent("run_day", *_sums(), _costs())


def _by_project(name: str, *key: str, further: Iterable[Column[Any]] = ()) -> Table:
    columns = [*_owned_by("project_id"), *_sums(), *further]
    return Table(name, SQLModel.metadata, *columns, PrimaryKeyConstraint(*key))


HAS_MINUTES = Column("has_minutes", Boolean, nullable=False, server_default=false())

project_minute = _by_project("project_minute", "starts_at", "project_id", "status")
project_hour = _by_project("project_hour", "project_id", "starts_at", "status", further=[HAS_MINUTES])
project_day = _by_project("project_day", "project_id", "starts_at", "status")

error_hour = _by_agent(
    "error_hour",
    *_texts("fingerprint", "message"),
    Column("runs", Integer, nullable=False),
    Column("first_at", TIMESTAMPTZ, nullable=False),
    Column("last_at", TIMESTAMPTZ, nullable=False),
    Column("last_run_id", BigInteger, nullable=False),
)
"""Failed runs of one hour with the same kind of message; several rows of one key may stand side by side."""


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
