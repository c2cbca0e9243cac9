"""The types of what is exported, whatever the file."""

from enum import Enum, auto
from typing import Protocol


class Type(Enum):
    """What a column holds. JSON is a list or an object, TIME an instant to the microsecond, in UTC."""

    TEXT = auto()
    INTEGER = auto()
    FLOAT = auto()
    DECIMAL = auto()
    TIME = auto()
    JSON = auto()


class Typed(Protocol):
    """A column of a file."""

    @property
    def name(self) -> str: ...

    @property
    def type(self) -> Type: ...
