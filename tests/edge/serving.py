"""A real uvicorn on a free port: in a thread of its own, or in the loop of the test, which the database needs."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager

import uvicorn
import uvloop
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    def __init__(self, app: ASGIApp, started: Callable[[str], object]) -> None:
        config = uvicorn.Config(
            app,
            port=0,
            log_config=None,
            access_log=False,
            server_header=False,
            http="httptools",
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self.servers[0].sockets[0].getsockname()
        self._started(f"http://{host}:{port}")


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address at which `app` answers, from a thread."""
    address: Future[str] = Future()
    server = _Server(app, address.set_result)
    thread = threading.Thread(target=_run, args=[server])
    thread.start()
    try:
        yield address.result(timeout=10)
    finally:
        server.should_exit = True
        thread.join()


def _run(server: uvicorn.Server) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())


@asynccontextmanager
async def listening(app: ASGIApp) -> AsyncIterator[str]:
    """The address at which `app` answers, in this loop."""
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = _Server(app, address.set_result)
    task = asyncio.create_task(server.serve())
    try:
        yield await address
    finally:
        server.should_exit = True
        await task
