"""A database of millions of runs with all of their figures, as subjects begin from it."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from pydantic import SecretStr

import formicary_migrations
from formicary.config import Settings
from formicary.db import Database
from formicary.rollups.aggregate import aggregate, settle

from . import dataset
from . import population as p


@dataclass(frozen=True, slots=True)
class Loaded:
    """`aggregated` is how many seconds the figures of all runs took."""

    db: Database
    aggregated: float


@asynccontextmanager
async def loaded(dsn: str, number: int, until: datetime) -> AsyncIterator[Loaded]:
    """So many runs up to a moment, on a fresh database."""
    await formicary_migrations.upgrade(dsn)
    await dataset.load(dsn, number, until=until)
    settings = Settings(database_url=SecretStr(dsn), slow_statement_ms=60_000, statement_timeout=600)
    db = await Database.open(dsn, settings)
    try:
        begun = time.perf_counter()
        await aggregate(db, until - p.SPAN, until)
        await settle(db, until)
        aggregated = time.perf_counter() - begun
        await db.execute("ANALYZE")
        yield Loaded(db, aggregated)
    finally:
        await db.close()
