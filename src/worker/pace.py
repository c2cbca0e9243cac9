"""When a job is to run again."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from .last_run import LastRun

RARE_SECONDS = 60.0
RETRY = timedelta(minutes=5)


class Pace(Protocol):
    @property
    def is_rare(self) -> bool:
        """Whether there is time to note that a run has begun, before it ends."""
        ...

    def next_at(self, last: LastRun) -> datetime: ...

    def seconds_left(self, last: LastRun, *, now: datetime, elapsed: float | None) -> float:
        """Until the next run; not above zero once it is due.

        `elapsed` seconds ago this process has begun the last run; None if it was another process.
        """
        ...


@dataclass(frozen=True, slots=True)
class Every:
    """Every `seconds`, counted from start to start, and at once where a process takes the work up."""

    seconds: float

    @property
    def is_rare(self) -> bool:
        return self.seconds >= RARE_SECONDS

    def next_at(self, last: LastRun) -> datetime:
        return last.started_at + timedelta(seconds=self.seconds)

    def seconds_left(self, last: LastRun, *, now: datetime, elapsed: float | None) -> float:  # noqa: ARG002
        return 0.0 if elapsed is None else self.seconds - elapsed


@dataclass(frozen=True, slots=True)
class Sparing:
    """Every `seconds`, as `Every`, but at most `share` of the time: the longer the last run took, the later the next.

    Where there is more to do at once, no pace is asked.
    """

    seconds: float
    share: float

    @property
    def is_rare(self) -> bool:
        return self.seconds >= RARE_SECONDS

    def next_at(self, last: LastRun) -> datetime:
        return last.started_at + timedelta(seconds=self._between(last))

    def seconds_left(self, last: LastRun, *, now: datetime, elapsed: float | None) -> float:  # noqa: ARG002
        return 0.0 if elapsed is None else self._between(last) - elapsed

    def _between(self, last: LastRun) -> float:
        return max(self.seconds, (last.duration_ms or 0) / 1000 / self.share)


@dataclass(frozen=True, slots=True)
class Midnight:
    """Daily at midnight UTC.

    At once where that was missed because nobody was there; after five minutes where it failed or was cut short.
    """

    @property
    def is_rare(self) -> bool:
        return True

    def next_at(self, last: LastRun) -> datetime:
        if not last.went_well:
            return last.started_at + RETRY
        today = last.started_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=1)

    def seconds_left(self, last: LastRun, *, now: datetime, elapsed: float | None) -> float:  # noqa: ARG002
        return (self.next_at(last) - now).total_seconds()
