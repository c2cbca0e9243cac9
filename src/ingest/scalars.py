"""The scalars of the API as Python reads them: shared by GraphQL's own coercion and the compiled decoder.

Both call the same functions, so that a value means the same on either path.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

MAX_BIG_INT = 2**53 - 1

BigInt: TypeAlias = Annotated[int, Meta(ge=-MAX_BIG_INT, le=MAX_BIG_INT)]
Int: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Float: TypeAlias = Annotated[float, Meta(ge=-MAX_BIG_INT, le=MAX_BIG_INT)]
"""Beyond these bounds GraphQL asks whether a whole number keeps its value as a float."""
Instant = Meta(tz=True)


class Milliseconds(int):
    """A length of time, as `parse_duration` reads it."""

    __slots__ = ()


class Money(Decimal):
    """An amount of USD, as `parse_decimal` reads it."""

    __slots__ = ()


_UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_PARTS = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d|w))+", re.IGNORECASE | re.ASCII)
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)", re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,9})?", re.IGNORECASE | re.ASCII)
_MAX_TEXT = 100
_MAX_DURATION_MS = 10**15


def parse_duration(value: object) -> Milliseconds:
    """Milliseconds of `5m30s`, `250ms`, `7d`, ISO 8601 (`PT5M30S`) or a number of milliseconds.

    Raises ValueError for anything else. A negative number is let through: whether it may be negative is
    for the field to say.
    """
    if isinstance(value, str) and len(value) <= _MAX_TEXT:
        milliseconds = _duration_of_text(value.strip())
    elif isinstance(value, int | float) and not isinstance(value, bool):
        milliseconds = float(value) if abs(value) <= _MAX_DURATION_MS else None
    else:
        milliseconds = None
    if milliseconds is None or not abs(milliseconds) <= _MAX_DURATION_MS:
        raise ValueError(
            f"{_shown(value)} is not a duration: give `5m30s`, `250ms`, `7d`, `PT5M30S` or a number of milliseconds."
        )
    return Milliseconds(round(milliseconds))


def _duration_of_text(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    if _PARTS.fullmatch(text):
        return sum(float(number) * _UNIT_MS[unit.lower()] for number, unit in _PART.findall(text))
    try:
        return msgspec.convert(text, timedelta) / timedelta(milliseconds=1)
    except (msgspec.ValidationError, UnicodeEncodeError):
        return None


def print_duration(milliseconds: int) -> str:
    """ISO 8601, such as `PT330S`."""
    text: str = msgspec.to_builtins(timedelta(milliseconds=milliseconds))
    return text


def parse_decimal(value: object) -> Money:
    """An exact decimal of text such as `"0.00125"`; of a number, its shortest decimal form.

    Raises ValueError for anything else, infinities and NaN included.
    """
    if isinstance(value, str):
        text = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        text = repr(value) if abs(value) < 10**_MAX_TEXT else ""
    else:
        text = ""
    if len(text) > _MAX_TEXT or not _DECIMAL.fullmatch(text):
        raise ValueError(f'{_shown(value)} is not a decimal number: give text such as "0.00125".')
    return Money(text)


def print_decimal(value: Decimal) -> str:
    """Plain digits, never with an exponent. `str`, which has one for few values, takes a fifth of the time."""
    text = str(value)
    return format(value, "f") if "E" in text else text


def parse_instant(value: object) -> datetime:
    """An RFC 3339 instant with its offset. Raises ValueError for anything else."""
    try:
        instant: datetime = msgspec.convert(value, Annotated[datetime, Instant])
    except (msgspec.ValidationError, UnicodeEncodeError):
        raise ValueError(
            f"{_shown(value)} is not an instant: give RFC 3339 with an offset, such as 2026-01-31T12:00:00Z."
        ) from None
    return instant


def parse_big_int(value: object) -> int:
    """A whole number of at most 2^53 - 1 either way. Raises ValueError for anything else."""
    number = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) > MAX_BIG_INT:
        raise ValueError(f"{_shown(value)} is not a whole number between -(2^53 - 1) and 2^53 - 1.")
    return number


def decode_scalar(type_: type, value: Any) -> Any:
    """msgspec's hook for the marked fields."""
    return _DECODERS[type_](value)


_DECODERS: dict[type, Callable[[Any], object]] = {Milliseconds: parse_duration, Money: parse_decimal}


def _shown(value: object) -> str:
    text = (
        value if isinstance(value, str) else type(value).__name__ if isinstance(value, list | dict) else _number(value)
    )
    return repr(text[:60])


def _number(value: object) -> str:
    return "a huge number" if isinstance(value, int) and abs(value) >= 10**60 else str(value)
