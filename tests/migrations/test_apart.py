"""Migrating in a process of its own: the same outcome, nothing loaded here, and nothing left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest

from formicary.errors import ConfigurationError, UnavailableError
from formicary_migrations import HEAD, LOCK_KEY
from formicary_migrations.apart import upgrade_apart

from .. import postgres
from .test_upgrade import TABLES

PATIENCE = 30
FORMICARY = str(Path(sys.executable).with_name("formicary"))
MIGRATE = """
import asyncio, sys
from formicary_migrations.apart import upgrade_apart
asyncio.run(upgrade_apart(sys.argv[1]))
print([module for module in ("alembic", "sqlalchemy.ext.asyncio") if module in sys.modules])
"""
BACKENDS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'formicary migrate'"""
STUCK = f"{BACKENDS} AND wait_event_type = 'Lock'"
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'formicary migrate'"""


async def test_it_migrates_once(empty_dsn: str) -> None:
    assert await upgrade_apart(empty_dsn)
    assert await postgres.fetch_column(empty_dsn, "SELECT version_num FROM alembic_version") == [HEAD]
    assert not await upgrade_apart(empty_dsn)


async def test_several_may_do_so_at_once(empty_dsn: str) -> None:
    await asyncio.gather(*(upgrade_apart(empty_dsn) for _ in range(3)))
    assert await postgres.fetch_column(empty_dsn, "SELECT version_num FROM alembic_version") == [HEAD]


def test_alembic_is_not_loaded_where_it_is_waited_for(empty_dsn: str) -> None:
    done = subprocess.run([sys.executable, "-c", MIGRATE, empty_dsn], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_modules_of_the_working_directory_are_not_taken(
    empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "asyncpg.py").write_text("raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    assert await upgrade_apart(empty_dsn)


async def test_what_the_database_refuses_is_said_in_its_words_and_leaves_nothing(empty_dsn: str) -> None:
    await postgres.execute(empty_dsn, "CREATE TABLE run_key ()")
    with pytest.raises(ConfigurationError) as refused:
        await upgrade_apart(empty_dsn)
    assert refused.value.message == 'the database cannot be migrated: relation "run_key" already exists'
    assert await postgres.fetch_column(empty_dsn, TABLES) == ["run_key"]


async def test_a_fault_of_its_own_is_told_from_success(
    empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alembic.py").write_text("raise SystemExit(9)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="exit code 9"):
        await upgrade_apart(empty_dsn)


async def test_a_connection_lost_meanwhile_is_told_apart(empty_dsn: str) -> None:
    async with blocked(empty_dsn) as blocker:
        migrating = asyncio.create_task(upgrade_apart(empty_dsn))
        await become(blocker, STUCK, 1)
        await blocker.execute(CUT)
        with pytest.raises(UnavailableError, match="the connection was lost while the database was migrated"):
            await migrating


async def test_giving_up_ends_the_process_and_its_statement(empty_dsn: str) -> None:
    async with blocked(empty_dsn) as blocker:
        migrating = asyncio.create_task(upgrade_apart(empty_dsn))
        await become(blocker, STUCK, 1)
        migrating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await migrating
        assert not [child for child in psutil.Process().children() if "formicary_migrations" in child.cmdline()]
        await become(blocker, BACKENDS, 0)
    assert await postgres.fetch_column(empty_dsn, TABLES) == []


@pytest.mark.parametrize(
    ("command", "number"),
    [
        ("serve", signal.SIGTERM),
        ("migrate", signal.SIGTERM),
        ("migrate", signal.SIGINT),
        ("migrate", signal.SIGKILL),
    ],
)
async def test_no_process_outlives_the_one_that_waits_for_it(
    empty_dsn: str, command: str, number: signal.Signals
) -> None:
    async with blocked(empty_dsn) as blocker:
        waiting = await asyncio.create_subprocess_exec(
            FORMICARY,
            command,
            env={**os.environ, "DATABASE_URL": empty_dsn, "FORMICARY_PORT": "0"},
        )
        await become(blocker, STUCK, 1, meanwhile=waiting)
        (child,) = psutil.Process(waiting.pid).children()
        assert empty_dsn not in " ".join(child.cmdline())
        waiting.send_signal(number)
        await asyncio.wait_for(waiting.wait(), PATIENCE)
        await asyncio.to_thread(child.wait, PATIENCE)
        await become(blocker, BACKENDS, 0)
    assert await postgres.fetch_column(empty_dsn, TABLES) == []


async def test_the_lock_of_one_that_was_given_up_is_free(empty_dsn: str) -> None:
    async with blocked(empty_dsn) as blocker:
        migrating = asyncio.create_task(upgrade_apart(empty_dsn))
        await become(blocker, STUCK, 1)
        migrating.cancel()
        await asyncio.wait({migrating})
        await become(blocker, f"SELECT pg_try_advisory_lock({LOCK_KEY})::int", 1)


@asynccontextmanager
async def blocked(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A migration cannot get on while the block lasts: it waits for a table of the same name to be there or not."""
    blocker, watcher = await asyncpg.connect(dsn), await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(PATIENCE):
            transaction = blocker.transaction()
            await transaction.start()
            await blocker.execute("CREATE TABLE agent ()")
            yield watcher
            await transaction.rollback()
    finally:
        await blocker.close()
        await watcher.close()


async def become(
    connection: asyncpg.Connection, question: str, answer: int, *, meanwhile: asyncio.subprocess.Process | None = None
) -> None:
    """Ask until the answer is this, as long as a process lives that is to see to it."""
    while await connection.fetchval(question) != answer:
        assert meanwhile is None or meanwhile.returncode is None
