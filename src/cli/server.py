"""`formicary serve`: from the settings to a server that answers, and in good order back to nothing."""

import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import click
import uvicorn
from starlette.types import ASGIApp

from ..app import create_app
from ..auth import Authenticator, Sessions, any_key_exists, is_loopback
from ..config import Settings
from ..db import Database
from ..errors import ConfigurationError
from ..worker import at_work, jobs
from .database import describe, open_database
from .demo import record_sample
from .event_loop import on_signals, run_until_told
from .listener import address_of, bind, cannot_listen, url_of

log = logging.getLogger(__name__)

GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 75


def run(settings: Settings, *, demo: bool = False) -> None:
    """Serve until SIGINT or SIGTERM, after recording sample data if `demo`.

    Raises FormicaryError where that cannot begin.
    """
    run_until_told(_serve(settings, demo=demo))


async def _serve(settings: Settings, *, demo: bool) -> None:
    with bind(settings.host, settings.port) as listener:
        url = url_of(settings.host, listener)
        async with (
            open_database(settings) as database,
            _authenticator(settings, listener, database) as auth,
            _background(settings, database),
        ):
            log.info("%s, %s, on %s", url, _openness(auth), describe(settings))
            if demo:
                await record_sample(database, settings)
            stopping = asyncio.Event()
            app = create_app(settings, database=database, authenticator=auth, stopping=stopping)
            gc.freeze()  # what is there by now stays: no collection has to go through it
            server = _Server(app, ready=lambda: click.echo(f"Formicary is ready at {url}"), stopping=stopping)
            try:
                await server.serve([listener])
            except OSError as error:
                raise cannot_listen(settings.host, settings.port, error) from error


@asynccontextmanager
async def _authenticator(
    settings: Settings, listener: socket.socket, database: Database
) -> AsyncIterator[Authenticator]:
    sessions = Sessions(
        database, idle=timedelta(hours=settings.login_idle), lifetime=timedelta(days=settings.login_lifetime)
    )
    is_open = await _is_open(settings, address_of(listener), database)
    authenticator = Authenticator(database, is_open=is_open, sessions=sessions)
    try:
        yield authenticator
    finally:
        await authenticator.close()


@asynccontextmanager
async def _background(settings: Settings, database: Database) -> AsyncIterator[None]:
    if settings.worker:
        async with at_work(database, jobs(database, settings)):
            yield
    else:
        yield


async def _is_open(settings: Settings, address: str, database: Database) -> bool:
    """Whether to ask for no keys.

    A key that was ever made closes a local server: revoking the last one must not open it.
    """
    if is_loopback(address):
        return settings.open or not await any_key_exists(database, even_revoked=True)
    exposed = f"{settings.host} can be reached from other machines"
    if settings.open:
        raise ConfigurationError(f"{exposed}, so the server may not run open there")
    if not await any_key_exists(database):
        raise ConfigurationError(
            f"{exposed}, and there is no API key yet. Make one, with the same database settings: "
            "formicary key create --role ADMIN"
        )
    return False


def _openness(authenticator: Authenticator) -> str:
    return "open to everybody on this machine (no API key)" if authenticator.is_open else "API keys required"


class _Server(uvicorn.Server):
    def __init__(self, app: ASGIApp, *, ready: Callable[[], None], stopping: asyncio.Event) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            http="httptools",
            ws="none",
        )
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Unlike uvicorn's own, a signal is not raised again in the end: what it asked for has been done."""
        on_signals(self._stop)
        yield

    def _stop(self, signal_number: int) -> None:
        self._stopping.set()
        self.handle_exit(signal_number, None)
