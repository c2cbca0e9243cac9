"""Background work: loops of one small protocol.

A job is one coroutine function that does its work once; tests call that, so no test sleeps.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from .db import Database
from .partitions import ensure_partitions

log = logging.getLogger(__name__)

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class LastRun:
    """How a loop's job went the last time."""

    started_at: datetime
    duration_ms: int
    error: str | None


class Loop:
    """Runs `job` at once and then every `every` seconds, counted from start to start, until it is stopped."""

    def __init__(self, job: Callable[[], Awaitable[object]], *, name: str, every: float) -> None:
        self._job = job
        self.name = name
        self.every = every
        self.last: LastRun | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._run_for_ever(), name=self.name)

    async def stop(self) -> None:
        """Interrupt the job if it is at work; what it has not committed is rolled back."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def run_once(self) -> None:
        """Do the job and remember how it went; an error is logged and not passed on, the next time may do better."""
        started_at, start, error = datetime.now(UTC), time.monotonic(), None
        try:
            await self._job()
        except Exception as problem:
            log.exception("%s failed", self.name)
            error = f"{type(problem).__name__}: {problem}"
        self.last = LastRun(started_at, round((time.monotonic() - start) * 1000), error)

    async def _run_for_ever(self) -> None:
        while True:
            start = time.monotonic()
            await self.run_once()
            await asyncio.sleep(max(0.0, start + self.every - time.monotonic()))


def loops(db: Database) -> list[Loop]:
    """All background work of a server."""

    async def keep_partitions() -> None:
        await ensure_partitions(db, datetime.now(UTC))

    return [Loop(keep_partitions, name="partition upkeep", every=HOUR)]
