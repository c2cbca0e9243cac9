from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from .pace import Pace


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again. `work` does it once, and gives True where there is more to do at once."""

    name: str
    work: Callable[[], Awaitable[object]]
    pace: Pace
