"""Migrations go up and down, once however many processes ask, and only on servers and data that they know."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import formicary_migrations
from formicary.embedded import EmbeddedPostgres, binaries
from formicary.errors import ConfigurationError
from formicary_migrations import BASE, HEAD, downgrade, upgrade

from ..postgres import fetch_column

TABLES = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')"


async def test_up_down_to_nothing_and_up_again(empty_dsn: str) -> None:
    assert await upgrade(empty_dsn)
    migrated = set(await fetch_column(empty_dsn, TABLES))
    assert await downgrade(empty_dsn, BASE)
    assert await fetch_column(empty_dsn, TABLES) == ["alembic_version"]
    assert await upgrade(empty_dsn)
    assert set(await fetch_column(empty_dsn, TABLES)) == migrated


async def test_nothing_is_done_where_nothing_is_to_be_done(dsn: str) -> None:
    assert not await upgrade(dsn)


async def test_several_may_migrate_at_once_and_one_of_them_does(empty_dsn: str) -> None:
    assert sorted(await asyncio.gather(*(upgrade(empty_dsn) for _ in range(5)))) == [False] * 4 + [True]


async def test_a_database_that_a_newer_formicary_has_migrated_is_refused(dsn: str) -> None:
    await execute(dsn, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="newer Formicary"):
        await upgrade(dsn)


async def test_minutes_that_were_made_before_hours_told_of_them_are_let_go(empty_dsn: str) -> None:
    await upgrade(empty_dsn, "0007")
    key = "project_id, starts_at, status, runs, messages, input_tokens, output_tokens, cost"
    for table in ("project_hour", "project_minute"):
        await execute(empty_dsn, f"INSERT INTO {table} ({key}) VALUES (1, '2026-11-21 20:00+00', 2, 1, 1, 0, 0, 0)")
    await upgrade(empty_dsn)
    assert await fetch_column(empty_dsn, "SELECT has_minutes FROM project_hour") == [False]
    assert await fetch_column(empty_dsn, "SELECT count(*) FROM project_minute") == [0]
    assert await downgrade(empty_dsn, "0007")
    assert (await fetch_column(empty_dsn, "SELECT minutes_since > now() FROM run_horizon")) == [True]


async def test_a_migration_that_fails_leaves_nothing_behind(empty_dsn: str) -> None:
    await execute(empty_dsn, "CREATE TABLE run_key ()")
    with pytest.raises(Exception, match="run_key"):
        await upgrade(empty_dsn)
    assert await fetch_column(empty_dsn, TABLES) == ["run_key"]


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


async def test_the_oldest_supported_server_takes_every_migration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(binaries, "_directories", lambda: iter(sorted(Path("/").glob("usr/lib/postgresql/15/bin"))))
    if not list(binaries._directories()):
        pytest.skip("PostgreSQL 15 is not installed")
    server = EmbeddedPostgres(tmp_path, fsync=False)
    await asyncio.to_thread(server.start)
    assert (await fetch_column(server.dsn, "SHOW server_version_num"))[0].startswith("15")
    assert await upgrade(server.dsn)
    assert await downgrade(server.dsn, BASE)
    await asyncio.to_thread(server.stop)


def test_the_newest_revision_is_known_without_alembic() -> None:
    config = Config()
    config.set_main_option("script_location", str(formicary_migrations.HERE))
    script = ScriptDirectory.from_config(config)
    assert script.get_current_head() == HEAD
    assert sorted(revision.revision for revision in script.walk_revisions()) == formicary_migrations.REVISIONS
    loaded = [sys.executable, "-c", "import formicary_migrations, sys; sys.exit('alembic' in sys.modules)"]
    assert subprocess.run(loaded, check=False).returncode == 0


def test_alembics_own_command_finds_the_models_unchanged(dsn: str) -> None:
    command = [sys.executable, "-m", "alembic", "check"]
    root = Path(__file__).parents[2]
    result = subprocess.run(
        command, cwd=root, env={**os.environ, "DATABASE_URL": dsn}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "No new upgrade operations detected" in result.stdout
