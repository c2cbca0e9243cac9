"""Column shapes that several tables share."""

from typing import Any

from sqlalchemy import Identity
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlmodel import Field

TIMESTAMPTZ = TIMESTAMP(timezone=True)


def identity() -> Any:
    """A `bigint` key that the database numbers."""
    return Field(default=None, primary_key=True, sa_type=_bigint(), sa_column_args=(Identity(),))


def timestamptz(**kwargs: Any) -> Any:
    """An instant, kept as `timestamptz`."""
    return Field(sa_type=TIMESTAMPTZ, **kwargs)


def bigint(**kwargs: Any) -> Any:
    return Field(sa_type=_bigint(), **kwargs)


def jsonb(**kwargs: Any) -> Any:
    return Field(sa_type=JSONB, **kwargs)


def _bigint() -> Any:
    from sqlalchemy import BigInteger

    return BigInteger
