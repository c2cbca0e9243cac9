"""The migrated schema can be spread over a Citus cluster as it is; read from PostgreSQL's own catalog."""

from formicary.db import Database
from formicary.models import TABLE_KINDS, TableKind

DISTRIBUTED = sorted(name for name, kind in TABLE_KINDS.items() if kind is TableKind.DISTRIBUTED)
WITHOUT_KEY = {"run_hour", "run_day", "error_hour"}
REFERENCE = sorted(name for name, kind in TABLE_KINDS.items() if kind is TableKind.REFERENCE)


async def test_every_table_has_a_stated_kind(db: Database) -> None:
    tables = await db.fetch(
        """
        SELECT relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        """
    )
    assert {row["relname"] for row in tables} == {*TABLE_KINDS, "alembic_version"}


async def test_the_distribution_column_comes_first_in_every_key_of_a_distributed_table(db: Database) -> None:
    keys = await db.fetch(
        """
        SELECT i.indrelid::regclass::text AS table, i.indexrelid::regclass::text AS name, a.attname AS first_column
        FROM pg_index AS i LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND i.indrelid = ANY ($1::text[]::regclass[])
        """,
        DISTRIBUTED,
    )
    assert {row["table"] for row in keys} == {*DISTRIBUTED} - WITHOUT_KEY
    assert {row["name"]: row["first_column"] for row in keys if row["first_column"] != "agent_id"} == {}


async def test_the_distribution_column_has_one_type_and_is_never_null(db: Database) -> None:
    columns = await db.fetch(
        """
        SELECT attrelid::regclass::text AS name, format_type(atttypid, NULL) AS type, attnotnull
        FROM pg_attribute WHERE attname = 'agent_id' AND attrelid = ANY ($1::text[]::regclass[])
        """,
        DISTRIBUTED,
    )
    assert sorted(row["name"] for row in columns) == DISTRIBUTED
    assert {(row["type"], row["attnotnull"]) for row in columns} == {("bigint", True)}


async def test_foreign_keys_only_join_reference_tables(db: Database) -> None:
    keys = await db.fetch(
        "SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent "
        "FROM pg_constraint WHERE contype = 'f'"
    )
    assert keys
    assert {name for row in keys for name in (row["child"], row["parent"])} <= set(REFERENCE)


async def test_there_are_no_triggers_and_no_functions_of_our_own(db: Database) -> None:
    assert await db.fetchval("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == 0
    assert await db.fetchval("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace") == 0


async def test_no_extension_is_needed(db: Database) -> None:
    assert [row["extname"] for row in await db.fetch("SELECT extname FROM pg_extension")] == ["plpgsql"]
