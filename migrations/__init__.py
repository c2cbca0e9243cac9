"""The schema's history, applied by alembic: at start-up, by `formicary migrate`, or by the `alembic` command.

A revision is the number that its file name begins with, so the newest one is known without loading alembic.
"""

import asyncio
import time
from pathlib import Path

import asyncpg

from formicary.errors import ConfigurationError

HERE = Path(__file__).parent
REVISIONS = sorted(path.name.split("_")[0] for path in (HERE / "versions").glob("[0-9]*.py"))
HEAD = REVISIONS[-1]
BASE = "base"

OLDEST_SERVER = 15
LOCK_KEY = 5_707_942_881
LOCK_SECONDS = 300.0
SESSION_SETTINGS = {
    "application_name": "formicary migrate",
    "timezone": "UTC",
    "lock_timeout": "10s",
    "statement_timeout": "30min",
}


async def upgrade(dsn: str, revision: str = HEAD) -> bool:
    """Bring the database up to `revision`; False where it was there already, which takes one connection.

    Several processes may do this at once. Raises ConfigurationError for a server that is too old and for a
    database that a newer Formicary has migrated. The DSN must lead to the server itself, not to a PgBouncer.
    """
    return await _move(dsn, revision, "upgrade")


async def is_current(dsn: str) -> bool:
    """Whether the database is at the newest revision. Raises ConfigurationError as `upgrade` does."""
    connection = await _connect(dsn)
    try:
        return await _current(connection) == HEAD
    finally:
        await connection.close()


async def downgrade(dsn: str, revision: str) -> bool:
    """Take the database back to `revision`, or to nothing with `BASE`; the data of dropped tables is lost."""
    return await _move(dsn, revision, "downgrade")


async def _move(dsn: str, revision: str, direction: str) -> bool:
    connection = await _connect(dsn)
    try:
        if await _current(connection) == revision:
            return False
        await _lock(connection)
        if await _current(connection) == revision:
            return False
        await _run_alembic(dsn, revision, direction)
        return True
    finally:
        await connection.close()


async def _connect(dsn: str) -> asyncpg.Connection:
    connection = await asyncpg.connect(dsn, server_settings=SESSION_SETTINGS)
    version = connection.get_server_version()
    if version.major < OLDEST_SERVER:
        await connection.close()
        raise ConfigurationError(f"Formicary needs PostgreSQL {OLDEST_SERVER} or newer; this server is {version.major}")
    return connection


async def _current(connection: asyncpg.Connection) -> str:
    """The revision that the database is at."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return BASE
    revision = str(await connection.fetchval("SELECT version_num FROM alembic_version") or BASE)
    if revision not in (BASE, *REVISIONS):
        raise ConfigurationError(f"a newer Formicary has migrated this database (to {revision}; this one knows {HEAD})")
    return revision


async def _lock(connection: asyncpg.Connection) -> None:
    """Take the migration lock of this database, until the connection is closed.

    Asked for again and again rather than waited for: a waiting statement keeps a snapshot, and CREATE INDEX
    CONCURRENTLY in the migration of whoever holds the lock would wait for that.
    """
    deadline = time.monotonic() + LOCK_SECONDS
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
        if time.monotonic() > deadline:
            raise ConfigurationError("another process has been migrating the database for too long")
        await asyncio.sleep(0.05)


async def _run_alembic(dsn: str, revision: str, direction: str) -> None:
    from .alembic_run import run

    await run(dsn, revision, direction)
