"""What Prometheus is shown of an agent's runs: the same sums as in `run_total`, by less, so that there are few rows.

A counter may never fall, or Prometheus takes it for one that began anew at zero. A correction can make a sum fall;
`held_*` is then how high it stood, and is shown until the sum has grown past it. It is null where nothing ever fell.
"""

from decimal import Decimal
from enum import IntEnum

from sqlalchemy import Numeric, SmallInteger
from sqlmodel import Field, SQLModel

from .columns import bigint
from .run import RunStatus


class SeriesKind(IntEnum):
    """What the runs of an agent are told apart by. The other columns of the key are empty.

    Durations are held by status alone, tokens and cost by model alone; they are 0 in the others.
    """

    STATUS = 0
    ERROR = 1
    """Of failed and timed out runs the error type."""
    MODEL = 2
    """The model and its provider."""


def _held() -> int | None:
    held: int | None = bigint(default=None, nullable=True)
    return held


class RunSeries(SQLModel, table=True):
    __tablename__ = "run_series"

    agent_id: int = bigint(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: SeriesKind = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    status: RunStatus = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    error_type: str = Field(primary_key=True)
    model: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    runs: int = bigint()
    timed_runs: int = bigint()
    duration_ms: int = bigint()
    le_100: int = bigint()
    le_500: int = bigint()
    le_1000: int = bigint()
    le_2000: int = bigint()
    le_5000: int = bigint()
    le_10000: int = bigint()
    le_30000: int = bigint()
    le_60000: int = bigint()
    input_tokens: int = bigint()
    output_tokens: int = bigint()
    cost: Decimal = Field(sa_type=Numeric)
    held_runs: int | None = _held()
    held_timed_runs: int | None = _held()
    held_duration_ms: int | None = _held()
    held_le_100: int | None = _held()
    held_le_500: int | None = _held()
    held_le_1000: int | None = _held()
    held_le_2000: int | None = _held()
    held_le_5000: int | None = _held()
    held_le_10000: int | None = _held()
    held_le_30000: int | None = _held()
    held_le_60000: int | None = _held()
    held_input_tokens: int | None = _held()
    held_output_tokens: int | None = _held()
    held_cost: Decimal | None = Field(default=None, sa_type=Numeric)
