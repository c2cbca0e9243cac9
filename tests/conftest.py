"""Fixtures for everybody: a fresh database for each test, and the pool on it."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from formicary.config import Settings
from formicary.db import Database
from formicary.embedded import EmbeddedPostgres

from . import memory, postgres

PROGRAMS = {"browser": "/usr/bin/chromium", "curl": "curl", "node": "npm", "prometheus": "promtool"}
"""What tests with these marks need of the machine; where it is missing they are skipped."""
SKIP_NOTHING = bool(os.environ.get("TESTS_SKIP_NOTHING"))


def pytest_configure() -> None:
    memory.use_for_temporary_files()


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for mark, program in PROGRAMS.items():
        marked = [item for item in items if item.get_closest_marker(mark)]
        if marked and shutil.which(program) is None:
            if SKIP_NOTHING:
                raise pytest.UsageError(f"{program} is not installed, and TESTS_SKIP_NOTHING is set")
            for item in marked:
                item.add_marker(pytest.mark.skip(reason=f"{program} is not installed"))


@pytest.fixture(scope="session")
def server_dsn() -> Iterator[str]:
    """A PostgreSQL server, to make databases on."""
    with EmbeddedPostgres(postgres.data_directory(), fsync=False) as server:
        yield server.dsn


@pytest.fixture(scope="session")
def template(server_dsn: str) -> str:
    return postgres.wait_for(postgres.make_template(server_dsn))


@pytest.fixture
def empty_dsn(server_dsn: str) -> Iterator[str]:
    """A database without any table."""
    name = postgres.fresh_name()
    postgres.wait_for(postgres.execute(server_dsn, f"CREATE DATABASE {name}"))
    yield postgres.on_database(server_dsn, name)
    postgres.wait_for(postgres.execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def dsn(server_dsn: str, template: str) -> Iterator[str]:
    """A fresh database, migrated."""
    name = postgres.fresh_name()
    postgres.wait_for(postgres.execute(server_dsn, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    yield postgres.on_database(server_dsn, name)
    postgres.wait_for(postgres.execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def settings(dsn: str, tmp_path: Path) -> Settings:
    return Settings(database_url=SecretStr(dsn), data_dir=tmp_path, port=0)


@pytest.fixture
def statements() -> list[str]:
    """What `db` has executed so far, the driver's own questions aside; clear it before the part that counts."""
    return []


@pytest.fixture
async def db(dsn: str, settings: Settings, statements: list[str]) -> AsyncIterator[Database]:
    def note(query: Any) -> None:
        if not any(sign in query.query for sign in postgres.OF_THE_DRIVER):
            statements.append(query.query)

    database = await Database.open(dsn, settings, on_query=note)
    yield database
    await database.close()
