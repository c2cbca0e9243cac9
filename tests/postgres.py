"""The PostgreSQL that the tests run on: the supervisor's, kept between runs; each test has a fresh clone."""

import asyncio
import hashlib
import os
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil

import formicary_migrations

from . import memory

OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'")
"""Signs of the statements by which asyncpg asks about types, once a connection."""

CHECKOUT = Path(__file__).parent.parent
FINISHED = "SELECT true FROM pg_database WHERE datname = $1 AND datistemplate"
T = TypeVar("T")
_numbers = count()


def data_directory() -> Path:
    """In memory where there is room, else in the checkout; the same for all who test this checkout."""
    place = memory.directory()
    if place is None:
        return CHECKOUT / ".data" / "tests"
    return place / f"formicary-tests-{os.getuid()}-{hashlib.sha256(bytes(CHECKOUT)).hexdigest()[:8]}"


def wait_for(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, also where this thread's event loop is already in use."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, coroutine).result()


def on_database(dsn: str, name: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def execute(dsn: str, *statements: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def fetch_column(dsn: str, query: str) -> list[Any]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def make_template(dsn: str) -> str:
    """A database at the newest revision, made once for each state of the migrations; gives its name."""
    name = f"template_{_state_of_migrations()}"
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SELECT pg_advisory_lock(1)")
        await _drop_abandoned(connection)
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1 AND datistemplate", name):
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {name}")
            await formicary_migrations.upgrade(on_database(dsn, name))
            await connection.execute(f"ALTER DATABASE {name} IS_TEMPLATE true")
    finally:
        await connection.close()
    return name


def _state_of_migrations() -> str:
    """Changes with every revision, and with the week because the first partitions depend on it."""
    digest = hashlib.sha256(f"{datetime.now(UTC):%G-%V}".encode())
    for path in sorted((formicary_migrations.HERE / "versions").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


async def _drop_abandoned(connection: asyncpg.Connection) -> None:
    """Drop what killed test runs left behind, and templates older than a day."""
    for row in await connection.fetch("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'"):
        if not psutil.pid_exists(int(row["datname"].split("_")[1])):
            await connection.execute(f"DROP DATABASE IF EXISTS {row['datname']} WITH (FORCE)")
    old = """
        SELECT datname FROM pg_database WHERE datname LIKE 'template\\_%' AND
            (pg_stat_file('base/' || oid || '/PG_VERSION')).modification < now() - interval '1 day'
    """
    for row in await connection.fetch(old):
        await connection.execute(f"ALTER DATABASE {row['datname']} IS_TEMPLATE false")
        await connection.execute(f"DROP DATABASE {row['datname']} WITH (FORCE)")


def fresh_name() -> str:
    return f"test_{os.getpid()}_{next(_numbers)}"
