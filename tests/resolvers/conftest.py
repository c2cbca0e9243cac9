from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from formicary.config import Settings
from formicary.db import Database

from .. import postgres
from ..bench import dataset

RUNS = 40_000


@pytest.fixture(scope="session")
def loaded_dsn(server_dsn: str, template: str) -> Iterator[str]:
    """A database with `RUNS` runs as the measurements have them, to be read only."""
    name = postgres.fresh_name()
    dsn = postgres.on_database(server_dsn, name)
    postgres.wait_for(postgres.execute(server_dsn, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY"))
    postgres.wait_for(dataset.load(dsn, RUNS))
    yield dsn
    postgres.wait_for(postgres.execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def loaded(loaded_dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(loaded_dsn, Settings(database_url=SecretStr(loaded_dsn), pool_size=1))
    yield database
    await database.close()
