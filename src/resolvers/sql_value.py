"""What a caller gives as text or number, within the bounds of PostgreSQL's types: beyond them a statement would fail.

Each raises ValueError or ArithmeticError for what does not fit.
"""

from datetime import UTC, datetime
from decimal import Decimal

_MAX_EXPONENT = 1_000


def instant(text: str) -> datetime:
    return in_utc(datetime.fromisoformat(text))


def in_utc(moment: datetime) -> datetime:
    """The same moment; one just inside the years 1 to 9999 may lie outside of them in UTC."""
    if moment.tzinfo is None:
        raise ValueError("an instant without an offset")
    return moment.astimezone(UTC)


def bigint(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError("not a bigint")
    return number


def numeric(text: str | Decimal) -> Decimal:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) > _MAX_EXPONENT:
        raise ValueError("not a numeric")
    return number
