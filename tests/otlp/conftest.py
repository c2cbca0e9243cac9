from collections.abc import AsyncIterator

import httpx2
import pytest

from formicary.config import Settings
from formicary.db import Database

from .fixtures import served


@pytest.fixture
async def client(settings: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(settings, db) as client:
        yield client
