"""A few at once, and who would have to wait for too long is told so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..errors import OverloadedError


class Turns:
    """So many blocks run at the same time; another one waits for `patience` seconds at most."""

    def __init__(self, at_once: int, *, patience: float) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._patience = patience

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Raises OverloadedError where no turn came."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise OverloadedError from None
        try:
            yield
        finally:
            self._free.release()
