"""What became of the messages of a recorder in this process."""

from collections import Counter
from dataclasses import dataclass
from threading import RLock
from typing import Literal, TypeAlias

Fate: TypeAlias = Literal["delivered", "rejected", "dropped", "lost"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Of messages: a run is one, or two where its start is announced.

    `delivered`: the server has committed them. `rejected`: it found fault with them. `dropped`: there was no room for
    them. `lost`: the server refused the request, or was away until the end. `waiting`: in memory or, of this process,
    on disk.
    """

    delivered: int
    rejected: int
    dropped: int
    lost: int
    waiting: int


class Tally:
    """Counts up. It may be called in a signal handler that interrupts itself, hence the kind of lock."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._counts: Counter[Fate] = Counter()

    def add(self, fate: Fate, number: int = 1) -> None:
        with self._lock:
            self._counts[fate] += number

    def of(self, fate: Fate) -> int:
        return self._counts[fate]

    def counts(self, waiting: int) -> Counts:
        with self._lock:
            return Counts(
                **{fate: self._counts[fate] for fate in ("delivered", "rejected", "dropped", "lost")}, waiting=waiting
            )
