"""The embedded PostgreSQL of a process, from the event loop's side."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from ..db import Database
from ..embedded import EmbeddedPostgres
from ..errors import OverloadedError, UnavailableError
from ..worker import Every, Job, Loop

LOOK_EVERY = 2.0


class LocalServer:
    """All its calls block, so they go to one thread, one after the other: a stop waits for the start before it."""

    def __init__(self, data_path: Path, thread: ThreadPoolExecutor) -> None:
        self._server = EmbeddedPostgres(data_path)
        self._thread = thread

    @property
    def dsn(self) -> str:
        return self._server.dsn

    async def start(self) -> None:
        await self._call(self._server.start)

    async def stop(self) -> None:
        await self._call(self._server.stop)

    @asynccontextmanager
    async def watched(self, database: Database) -> AsyncIterator[None]:
        """Start the server again whenever it is found dead while the block lasts."""

        async def look() -> None:
            try:
                await database.fetchval("SELECT 1")
            except OverloadedError:
                return
            except UnavailableError:
                await self._call(self._server.ensure_running)

        watch = Loop(Job("the watch over the embedded PostgreSQL", look, Every(LOOK_EVERY)))
        watch.start()
        try:
            yield
        finally:
            await watch.stop()

    async def _call(self, method: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, method)


@asynccontextmanager
async def local_server(data_path: Path) -> AsyncIterator[LocalServer]:
    """Not started yet; stopped at the end, also where its start was interrupted."""
    with ThreadPoolExecutor(1) as thread:
        server = LocalServer(data_path, thread)
        try:
            yield server
        finally:
            await server.stop()
