"""Values of facts as JSON can carry them and the API takes them.

Each function raises TypeError or ValueError for what it cannot convert. One value of a wrong type would have the API
refuse the whole request, so none gets that far.
"""

import math
import operator
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

MAX_ITEMS = 100
"""Of a list; the API takes no more."""


def text(value: object) -> str:
    """Text of text, numbers, UUIDs, enum members and the like."""
    if type(value) is str:
        return value
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bytes | Mapping | list | tuple | set):
        raise TypeError("not a text")
    return str(value)


def texts(values: Iterable[object]) -> list[str]:
    """The first of them, as many as the API takes. A single text is a list of one."""
    if isinstance(values, str | bytes | Mapping):
        values = [values]
    return [text(value) for value in values][:MAX_ITEMS]


def count(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, bool):
        raise TypeError("not a number")
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError("not a whole number")
        return int(value)
    return operator.index(value)


def number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(converted := float(value)):
        raise ValueError("not a finite number")
    return converted


def money(value: object) -> str:
    """An exact decimal; of a float its shortest form."""
    amount = Decimal(str(value).strip())
    if not amount.is_finite():
        raise ValueError("not a finite number")
    return format(amount, "f")


def instant(value: datetime | float) -> str:
    """RFC 3339 of a datetime (of local time where it has no zone) or of seconds since 1970."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    second, microsecond = divmod(round(value * 1_000_000), 1_000_000)
    return f"{_second(second)}.{microsecond:06}+00:00"


@lru_cache(maxsize=16)
def _second(value: int) -> str:
    """Runs that are encoded one after the other mostly started and ended within the same few seconds."""
    return datetime.fromtimestamp(value, UTC).replace(tzinfo=None).isoformat()


def json_object(value: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that JSON can hold: what it cannot is given as text."""
    if not isinstance(value, Mapping):
        raise TypeError("not a mapping")
    return {str(key): _plain(item, 0) for key, item in value.items()}


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth > MAX_ITEMS:
        raise ValueError("nested too deeply")
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth + 1) for item in value]
    return str(value)


def key(value: Mapping[str, object]) -> dict[str, str]:
    """The name of a run: its agent, external id and project."""
    return {field: text(value[field]) for field in ("agent", "externalId", "project")}
