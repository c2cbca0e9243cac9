"""When something was last used, written at most once a minute and behind the back of the request that uses it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import asyncpg

from ..errors import FormicaryError
from .remembered import MOST_KNOWN, Clock

log = logging.getLogger(__name__)

NOTE_USE_EVERY = 60.0

Key = TypeVar("Key", bound=Hashable)


class Uses(Generic[Key]):
    """`write` notes one use in the database; `what` names the things that are used, for the log."""

    def __init__(self, write: Callable[[Key], Awaitable[object]], *, what: str, clock: Clock) -> None:
        self._write = write
        self._what = what
        self._clock = clock
        self._noted: dict[Key, float] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, key: Key) -> None:
        now = self._clock()
        if now < self._noted.get(key, -NOTE_USE_EVERY) + NOTE_USE_EVERY:
            return
        if len(self._noted) >= MOST_KNOWN:
            del self._noted[next(iter(self._noted))]
        self._noted[key] = now
        task = asyncio.create_task(self._try_to_write(key))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Wait until the last uses are written."""
        await asyncio.gather(*self._writing)

    async def _try_to_write(self, key: Key) -> None:
        try:
            await self._write(key)
        except (FormicaryError, asyncpg.PostgresError) as error:
            log.warning("the last use of %s was not written: %s", self._what, error)
