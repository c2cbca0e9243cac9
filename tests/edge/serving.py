"""A real uvicorn on a free port, in a thread of this process."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

import uvicorn
import uvloop
from starlette.types import ASGIApp


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address at which `app` answers."""
    address: Future[tuple[str, int]] = Future()
    server = _Server(app, address)
    thread = threading.Thread(target=_run, args=[server])
    thread.start()
    try:
        host, port = address.result(timeout=10)
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _run(server: uvicorn.Server) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())


class _Server(uvicorn.Server):
    def __init__(self, app: ASGIApp, address: "Future[tuple[str, int]]") -> None:
        super().__init__(
            uvicorn.Config(app, port=0, log_config=None, access_log=False, server_header=False, http="httptools")
        )
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._address.set_result(self.servers[0].sockets[0].getsockname())
