"""Reading a fact by all its names, as text, a count, an amount or a time: the first name that gives a value counts."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeAlias, TypeVar

from ..ingest.check import MAX_COST, MAX_COUNT, MAX_DURATION_MS
from .aliases import FIRST_TOKEN, FIRST_TOKEN_IN_MS, FRAMEWORKS
from .span import Scalar, Span

T = TypeVar("T")

Read: TypeAlias = Callable[[Span, Iterable[str]], T | None]
"""How a fact is read of a span by some names."""

MAX_DECIMALS = 20


def text(span: Span, names: Iterable[str]) -> str | None:
    """What is not blank."""
    facts = span.facts
    for name in names:
        if name in facts and (words := str(facts[name]).strip()):
            return words
    return None


def provider(span: Span, names: Iterable[str]) -> str | None:
    """Who runs the model, where that is what a name gives."""
    facts = span.facts
    for name in names:
        if name in facts and (words := str(facts[name]).strip()) and words not in FRAMEWORKS:
            return words
    return None


def count(span: Span, names: Iterable[str]) -> int | None:
    """A whole number, not negative and not absurd."""
    facts = span.facts
    for name in names:
        if name in facts and (number := _whole(facts[name])) is not None:
            return number
    return None


def amount(span: Span, names: Iterable[str]) -> Decimal | None:
    """USD. A float stands for its shortest decimal form."""
    facts = span.facts
    for name in names:
        if name in facts:
            number = _number(facts[name])
            if number is not None and 0 <= number <= MAX_COST:
                return _decimal(number)
    return None


def first_token(span: Span, names: Iterable[str] = FIRST_TOKEN) -> float | None:
    """Milliseconds to the first token of an answer."""
    facts = span.facts
    for name in names:
        if name in facts:
            value = facts[name]
            number = _number(value)
            unit = 1 if name == FIRST_TOKEN_IN_MS and isinstance(value, int) else FIRST_TOKEN[name]
            if number is not None and 0 <= number * unit <= MAX_DURATION_MS:
                return number * unit
    return None


def source(span: Span, names: Iterable[str], read: Read[T]) -> str | None:
    """The name that gives the fact."""
    return next((name for name in names if read(span, (name,)) is not None), None)


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


def _decimal(number: float) -> Decimal:
    value = Decimal(repr(number))
    exponent = value.as_tuple().exponent
    return value if isinstance(exponent, int) and exponent >= -MAX_DECIMALS else round(value, MAX_DECIMALS)
