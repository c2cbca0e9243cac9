import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from .failures import Failures
from .job import Job
from .journal import Journal
from .last_run import LastRun
from .leader import Leader

T = TypeVar("T")

LONGEST_NAP = 60.0
"""Seconds after which the clock is looked at again: it may have been set, or the machine may have slept."""
NOTE_SECONDS = 0.5
"""Of runs that follow one another faster and go the same way, not every one is noted."""


def _now() -> datetime:
    return datetime.now(UTC)


class Loop:
    """Runs a job at its pace until it is stopped; where there is a leader to ask, only while this process leads."""

    def __init__(
        self,
        job: Job,
        *,
        leader: Leader | None = None,
        journal: Journal | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._leader = leader
        self._journal = journal
        self._now = now
        self._failures = Failures(job.name)
        self._task: asyncio.Task[None] | None = None
        self._begun: float | None = None
        self._noted: tuple[float, str | None] | None = None
        self.job = job
        self.last: LastRun | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run_for_ever(), name=self.job.name)

    async def stop(self) -> None:
        """Interrupt the job if it is at work; what it has not committed is rolled back."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def run_once(self) -> bool:
        """Do the job if this process leads, and note how it went; gives whether there is more to do at once.

        An error is logged and not passed on: the next time may do better.
        """
        if not self._may_run():
            return False
        self._begun, started_at = time.monotonic(), self._now()
        await self._note_beginning(started_at)
        more, error = False, None
        try:
            more = await self.job.work() is True
        except Exception as problem:  # noqa: BLE001 - `tell` logs it
            error = self._failures.tell(problem)
        self.last = LastRun(started_at, round((time.monotonic() - self._begun) * 1000), error)
        await self._note_end(self.last, more=more)
        return more

    async def _run_for_ever(self) -> None:
        more = False
        await self._take_up()
        while True:
            if not self._may_run():
                await self._take_up()
            await asyncio.sleep(0 if more else min(max(0.0, self._seconds_left()), LONGEST_NAP))
            if more or self._seconds_left() <= 0:
                more = await self.run_once()

    def _may_run(self) -> bool:
        return self._leader is None or self._leader.leads

    def _seconds_left(self) -> float:
        if self.last is None:
            return 0.0
        elapsed = None if self._begun is None else time.monotonic() - self._begun
        return self.job.pace.seconds_left(self.last, now=self._now(), elapsed=elapsed)

    async def _take_up(self) -> None:
        """Wait until this process leads, and go on from where another one has left off."""
        if self._leader is not None:
            await self._leader.elected()
        if self._journal is not None:
            self._begun = None
            self.last = await self._told(self._journal.last(self.job.name))

    async def _note_beginning(self, started_at: datetime) -> None:
        if self._journal is not None and self.job.pace.is_rare:
            await self._told(self._journal.begin(self.job.name, started_at))

    async def _note_end(self, last: LastRun, *, more: bool) -> None:
        if self._journal is None:
            return
        now = time.monotonic()
        if self._noted is not None and now - self._noted[0] < NOTE_SECONDS and self._noted[1] == last.error:
            return
        self._noted = now, last.error
        next_at = last.started_at if more else self.job.pace.next_at(last)
        await self._told(self._journal.end(self.job.name, last, next_at))

    async def _told(self, noting: Awaitable[T]) -> T | None:
        """None where the journal cannot be reached: the job is done all the same."""
        try:
            return await noting
        except Exception as problem:  # noqa: BLE001 - `tell` logs it
            self._failures.tell(problem)
            return None
