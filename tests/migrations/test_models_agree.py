"""The migrated database is the one that the models describe, index expressions included."""

import re

from sqlalchemy import Connection as SyncConnection
from sqlalchemy.schema import CreateSchema

from formicary.db import Connection, Database
from formicary.models import metadata
from formicary_migrations.alembic_run import open_engine

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity::text,
        pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = to_regnamespace($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND a.attnum > 0 AND c.relname <> 'alembic_version'
"""
INDEXES = """
    SELECT pg_get_indexdef(i.indexrelid)
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
    WHERE c.relnamespace = to_regnamespace($1) AND NOT c.relispartition AND c.relname <> 'alembic_version'
"""
FOREIGN_KEYS = """
    SELECT conrelid::regclass::text, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = to_regnamespace($1) AND contype = 'f'
"""


async def described(connection: Connection, query: str, schema: str) -> set[str]:
    """What a schema holds, in PostgreSQL's own words; `text` and `varchar` are the same to it and to us."""
    rows = await connection.fetch(query, schema)
    lines = (" ".join(str(value) for value in row).replace("character varying", "text") for row in rows)
    return {re.sub(rf"\b{schema}\.|::text|[()]", "", line) for line in lines}


async def test_models_and_migrations_describe_the_same_database(db: Database) -> None:
    await create_from_models(db.dsn)
    async with db.connection() as connection:
        for query in (COLUMNS, INDEXES, FOREIGN_KEYS):
            assert await described(connection, query, "models") == await described(connection, query, "public")


async def create_from_models(dsn: str) -> None:
    def create(connection: SyncConnection) -> None:
        connection.execute(CreateSchema("models"))
        connection.exec_driver_sql("SET search_path = models")
        metadata.create_all(connection, checkfirst=False)

    engine = open_engine(dsn)
    async with engine.begin() as connection:
        await connection.run_sync(create)
    await engine.dispose()
