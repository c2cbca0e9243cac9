"""The database of a command: embedded or by URL, waited for, migrated, with a pool."""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import click

from formicary_migrations.apart import upgrade_apart

from ..config import Settings
from ..db import CONNECTION_LOST, Database
from ..errors import ConfigurationError, UnavailableError
from .local_server import local_server

log = logging.getLogger(__name__)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 2.0
REMIND_EVERY = 10.0
CONNECT_SECONDS = 5.0
QUIET_SECONDS = 1.0

NOT_COMING: tuple[type[Exception], ...] = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
    ValueError,
)
"""What no waiting will mend: a wrong user, password, database or URL."""


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The pool on a database that answers and is migrated; an embedded server runs as long as the block.

    Raises UnavailableError when the database does not answer within `start_timeout`, ConfigurationError
    when it never will.
    """
    if settings.database_url is not None:
        dsn = settings.database_url.get_secret_value()
        await _wait(dsn, settings)
        async with _pool(dsn, settings) as database:
            yield database
    else:
        async with local_server(settings.data_path) as server:
            with patience("starting the embedded PostgreSQL"):
                await server.start()
            async with _pool(server.dsn, settings) as database, server.watched(database):
                yield database


def describe(settings: Settings) -> str:
    """Which database the settings mean, without its password."""
    if settings.database_url is None:
        return f"embedded PostgreSQL in {settings.data_path}"
    return _without_password(settings.database_url.get_secret_value())


@contextmanager
def patience(doing: str) -> Iterator[None]:
    """Tell a person at a terminal what takes longer than a second."""
    if not sys.stderr.isatty():
        yield
        return
    told = asyncio.get_running_loop().call_later(QUIET_SECONDS, lambda: click.echo(f"{doing} …", err=True))
    try:
        yield
    finally:
        told.cancel()


@asynccontextmanager
async def _pool(dsn: str, settings: Settings) -> AsyncIterator[Database]:
    with patience("migrating the database"):
        await _migrate(_direct(dsn, settings))
    database = await Database.open(dsn, settings)
    try:
        yield database
    finally:
        await database.close()


async def _wait(dsn: str, settings: Settings) -> None:
    """Return once the server takes a connection."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + settings.start_timeout
    pause, remind_at = FIRST_PAUSE, loop.time()
    while (problem := await _try_to_connect(dsn)) is not None:
        if loop.time() + pause > deadline:
            seconds = f"{settings.start_timeout:g} s"
            raise UnavailableError(f"the database {describe(settings)} did not answer within {seconds}: {problem}")
        if loop.time() >= remind_at:
            log.warning("waiting for the database %s: %s", describe(settings), problem)
            remind_at = loop.time() + REMIND_EVERY
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


async def _try_to_connect(dsn: str) -> str | None:
    """None if it worked, else why it did not but still may."""
    try:
        connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
    except NOT_COMING as error:
        raise ConfigurationError(f"the database {_without_password(dsn)} cannot be used: {error}") from None
    except TimeoutError:
        return "no answer"
    except CONNECTION_LOST as error:
        return str(error)
    await connection.close()
    return None


def _direct(dsn: str, settings: Settings) -> str:
    """Where migrations go: their locks need a session of their own, which a PgBouncer does not give."""
    if settings.direct_url is not None:
        return settings.direct_url.get_secret_value()
    if settings.pgbouncer:
        raise ConfigurationError("migrations cannot go through a PgBouncer: set FORMICARY_DIRECT_URL as well")
    return dsn


async def _migrate(dsn: str) -> None:
    try:
        if await upgrade_apart(dsn):
            log.debug("the database was migrated")
    except CONNECTION_LOST as error:
        raise UnavailableError(f"the connection was lost while the database was migrated: {error}") from error


def _without_password(dsn: str) -> str:
    parts = urlsplit(dsn)
    user, at, host = parts.netloc.rpartition("@")
    netloc = f"{user.partition(':')[0]}{at}{host}"
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))
