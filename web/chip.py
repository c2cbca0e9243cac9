"""What a list is filtered by, as a person reads it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition that holds, and the address of the page without it."""

    label: str
    value: str
    href: str
