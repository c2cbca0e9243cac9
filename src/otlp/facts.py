"""Reading a fact by all its names, as text, a count, an amount or a time."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar

from ..ingest.check import MAX_COST, MAX_COUNT, MAX_DURATION_MS
from .aliases import FIRST_TOKEN, FIRST_TOKEN_IN_MS
from .span import Scalar, Span

T = TypeVar("T")

MAX_DECIMALS = 20


class Fact(NamedTuple, Generic[T]):
    """A value, and the name of the attribute that gave it."""

    value: T
    source: str


def text(span: Span, names: Iterable[str]) -> Fact[str] | None:
    """The first of the attributes with these names that is not blank."""
    facts = span.facts
    for name in names:
        value = facts.get(name)
        if value is not None and (words := str(value).strip()):
            return Fact(words, name)
    return None


def count(span: Span, names: Iterable[str]) -> Fact[int] | None:
    """The first that is a whole number, not negative and not absurd."""
    facts = span.facts
    for name in names:
        value = facts.get(name)
        if value is not None and (number := _whole(value)) is not None:
            return Fact(number, name)
    return None


def amount(span: Span, names: Iterable[str]) -> Fact[Decimal] | None:
    """USD. A float stands for its shortest decimal form."""
    for name in names:
        value = span.facts.get(name)
        number = None if value is None else _number(value)
        if number is not None and 0 <= number <= MAX_COST:
            return Fact(_decimal(number), name)
    return None


def _decimal(number: float) -> Decimal:
    value, exponent = Decimal(repr(number)), Decimal(repr(number)).as_tuple().exponent
    return value if isinstance(exponent, int) and exponent >= -MAX_DECIMALS else round(value, MAX_DECIMALS)


def first_token(span: Span, names: Mapping[str, float] = FIRST_TOKEN) -> Fact[float] | None:
    """Milliseconds to the first token of an answer."""
    for name, unit in names.items():
        value = span.facts.get(name)
        number = None if value is None else _number(value)
        if number is not None:
            milliseconds = number * (1 if name == FIRST_TOKEN_IN_MS and isinstance(value, int) else unit)
            if 0 <= milliseconds <= MAX_DURATION_MS:
                return Fact(milliseconds, name)
    return None


def _whole(value: Scalar) -> int | None:
    if type(value) is not int:
        number = _number(value)
        if number is None or number != int(number):
            return None
        value = int(number)
    return value if 0 <= value <= MAX_COUNT else None


def _number(value: Scalar) -> int | float | None:
    """Of a number, or of text that is one; all of them are finite."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) <= MAX_COUNT else None
