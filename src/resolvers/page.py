"""Keyset pages: a cursor holds the sort value and the id of its row, so pages stay right while rows are inserted."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import msgspec

from ..errors import BadInputError
from .statement import Statement

T = TypeVar("T")

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 500


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a row lies in an order: the order's name, the row's value in it as text, the row's id."""

    order: str
    value: str
    id: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str, *, argument: str, order: str) -> Self:
        """Raises BadInputError for anything that is not a cursor of this order."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            cursor = msgspec.json.decode(raw, type=cls)
        except (binascii.Error, ValueError, msgspec.MsgspecError):
            raise BadInputError(f"{argument}: {text[:100]!r} is not a cursor of this list.") from None
        if cursor.order != order or not -(2**63) <= cursor.id < 2**63:
            raise BadInputError(
                f"{argument}: the cursor is of another order ({cursor.order[:40]!r}); here the list is by {order!r}."
            )
        return cursor


@dataclass(frozen=True, slots=True)
class Order(Generic[T]):
    """A total order of rows: by an SQL expression that is never null, then by id, both in one direction."""

    name: str
    expression: str
    cast: str
    value: Callable[[T], object]
    parse: Callable[[str], object]
    descending: bool = False
    id_column: str = "id"

    @property
    def label(self) -> str:
        return f"{self.name} {'DESC' if self.descending else 'ASC'}"

    def cursor(self, row: T, id_: int) -> str:
        """Where a row lies in this order."""
        return str(Cursor(self.label, str(self.value(row)), id_))

    def by(self, *, backward: bool) -> str:
        direction = "DESC" if self.descending != backward else "ASC"
        return f"{self.expression} {direction}, {self.id_column} {direction}"

    def bound(self, statement: Statement, cursor: Cursor, *, argument: str, after: bool) -> None:
        """Keep the rows on one side of a cursor. The first condition alone lets the planner drop partitions."""
        comparison = "<" if self.descending == after else ">"
        try:
            value = statement.arg(self.parse(cursor.value))
        except (ValueError, ArithmeticError):
            raise BadInputError(f"{argument}: the cursor is damaged.") from None
        statement.conditions.append(f"{self.expression} {comparison}= {value}::{self.cast}")
        statement.where(f"({self.expression}, {self.id_column}) {comparison} ({value}::{self.cast}, {{}})", cursor.id)


@dataclass(frozen=True, slots=True)
class PageArgs:
    """The four Relay arguments as they came."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None

    @property
    def backward(self) -> bool:
        return self.last is not None

    @property
    def size(self) -> int:
        """How many rows a page has; raises BadInputError when the arguments contradict or exceed the limits."""
        if self.first is not None and self.last is not None:
            raise BadInputError("Give either `first` or `last`, not both.")
        name, size = ("last", self.last) if self.last is not None else ("first", self.first)
        if size is None:
            return DEFAULT_PAGE_SIZE
        if not 0 <= size <= MAX_PAGE_SIZE:
            raise BadInputError(f"{name}: {size} is not between 0 and {MAX_PAGE_SIZE}.")
        return size

    def bounds(self, statement: Statement, order: Order[T]) -> None:
        """Add the conditions of `after` and `before`."""
        for argument, text in (("after", self.after), ("before", self.before)):
            if text is not None:
                cursor = Cursor.parse(text, argument=argument, order=order.label)
                order.bound(statement, cursor, argument=argument, after=argument == "after")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in the order asked for, each with its cursor on demand."""

    items: list[T]
    has_next: bool
    has_previous: bool
    order: Order[T]
    id_of: Callable[[T], int]

    def cursor(self, item: T) -> str:
        return self.order.cursor(item, self.id_of(item))

    @classmethod
    def of(cls, rows: list[T], args: PageArgs, order: Order[T], id_of: Callable[[T], int]) -> Self:
        """Make a page of up to `size + 1` rows that were read in the direction of the page."""
        size = args.size
        more = len(rows) > size
        items = rows[:size]
        if args.backward:
            return cls(items[::-1], args.before is not None, more, order, id_of)
        return cls(items, more, args.after is not None, order, id_of)
