"""The head of a column by which a table can be sorted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """`direction` is how the table is sorted by the column, None if it is not; `href` leads to another way."""

    label: str
    is_number: bool
    href: str | None
    direction: str | None
