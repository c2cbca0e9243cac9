"""What the tiers have still to take in, and how far back the runs reach."""

from datetime import datetime
from enum import IntEnum

from sqlalchemy import BigInteger, SmallInteger
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from .columns import bigint, timestamptz


class RunBatch(SQLModel, table=True):
    """The final runs that one transaction wrote and no tier holds yet: a row of the ledger.

    They are the runs whose `batch_id` is `id`; the three arrays say where to look: of each agent the ids from
    `first_ids` to `last_ids`, between the two starts. `id` is that of the batch's first run.
    """

    __tablename__ = "run_batch"

    id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    recorded_at: datetime = timestamptz()
    started_from: datetime = timestamptz()
    started_to: datetime = timestamptz()
    agent_ids: list[int] = Field(sa_type=ARRAY(BigInteger))
    first_ids: list[int] = Field(sa_type=ARRAY(BigInteger))
    last_ids: list[int] = Field(sa_type=ARRAY(BigInteger))


class Tier(IntEnum):
    """Whose cells are stale. Owners are agents, or projects of a PROJECT tier."""

    HOUR = 0
    DAY = 1
    PROJECT_HOUR = 2
    PROJECT_DAY = 3
    PHEROMONE = 4


class RollupStale(SQLModel, table=True):
    """What a tier holds of an owner from `starts_at` on, for the tier's stretch of time, is not to be used.

    It is missing or wrong. Who reads takes the layer below instead (runs, for hours); the worker makes it anew.
    """

    __tablename__ = "rollup_stale"

    tier: Tier = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    owner_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    starts_at: datetime = timestamptz(primary_key=True)


class RunHorizon(SQLModel, table=True):
    """One row: from when on all runs are kept, and all cells. What is older may have been dropped.

    From `minutes_since`, a full hour, on the minutes of projects are kept.
    """

    __tablename__ = "run_horizon"

    id: int = Field(default=1, primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    runs_since: datetime = timestamptz()
    cells_since: datetime = timestamptz()
    minutes_since: datetime = timestamptz()


class PheromoneHour(SQLModel, table=True):
    """An agent's score at the end of an hour (or now, in the current one), and what it was computed from.

    There is a row for each hour with `runs` that count. `quality` is null where the score was reported; the medians,
    in milliseconds and USD, where they are unknown or had no part in it.
    """

    __tablename__ = "pheromone_hour"

    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    starts_at: datetime = timestamptz(primary_key=True)
    score: float
    runs: int = bigint()
    quality: float | None = None
    median_duration_ms: float | None = None
    median_cost: float | None = None
