"""Alembic on asyncpg; apart from the package's entrance because loading it takes long."""

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from . import HERE, SESSION_SETTINGS


async def run(dsn: str, revision: str, direction: str) -> None:
    engine = open_engine(dsn)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_apply, revision, direction)
    finally:
        await engine.dispose()


def open_engine(dsn: str) -> AsyncEngine:
    """An engine whose connections asyncpg makes from `dsn` as it is, so that it means the same everywhere."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(dsn, server_settings=SESSION_SETTINGS)

    return create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)


def _apply(connection: Connection, revision: str, direction: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.attributes["connection"] = connection
    if direction == "upgrade":
        command.upgrade(config, revision)
    else:
        command.downgrade(config, revision)
