"""What alembic runs: on the connection that it is handed or, from its own command line, on DATABASE_URL."""

import asyncio
from typing import Any

from alembic import context
from sqlalchemy import Connection

from formicary.config import Settings
from formicary.errors import ConfigurationError
from formicary.models import metadata
from formicary_migrations.alembic_run import open_engine
from formicary_migrations.comparison import include_object, is_other_type, render_type


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_object=include_object,
        compare_type=is_other_type,
        render_item=render_type,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def migrate_database_url() -> None:
    url = Settings().database_url
    if url is None:
        raise ConfigurationError("set DATABASE_URL to the database that alembic is to work on")
    engine = open_engine(url.get_secret_value())
    try:
        async with engine.begin() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


given: Any = context.config.attributes.get("connection")
if given is None:
    asyncio.run(migrate_database_url())
else:
    migrate(given)
