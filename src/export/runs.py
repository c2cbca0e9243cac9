"""Runs as a file: those that a filter leaves, in the order in which they started."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from enum import StrEnum
from functools import partial

from ..db import Database
from ..resolvers.run_filter import RunFilter, resolve_names
from ..resolvers.scope import Scope
from ..resolvers.statement import Statement
from .copying import at_leisure, copied
from .run_columns import COLUMNS, Column
from .types import Type

ROWS_AT_ONCE = 5_000

INSTANT = """to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""

SAFE = """CASE WHEN {sql} ~ '^[=+@\\t\\r\\n-]' THEN '''' || {sql} ELSE {sql} END"""
"""What a spreadsheet would take for a formula gets an apostrophe before it, as OWASP advises ("CSV Injection")."""

UNQUOTED = {"delimiter": "\x02", "quote": "\x01"}
"""Makes COPY write a JSON text as it is: such characters do not stand in one."""


class RunFormat(StrEnum):
    """What a file of runs can be."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


async def rows(db: Database, scope: Scope, where: RunFilter, format_: RunFormat) -> AsyncGenerator[bytes]:
    """The file a piece at a time, in constant memory.

    Raises BadInputError for a range that is none, LimitError where the reading takes more than ten minutes.
    """
    statement = await _statement(db, scope, where)
    select = partial(_select, statement, _visible_agents(statement, scope))
    match format_:
        case RunFormat.CSV:
            pieces = copied(db, select(_csv_sql), statement.args, header=True)
        case RunFormat.NDJSON:
            objects = f"SELECT row_to_json(o)::text FROM ({select(_json_sql)}) o"
            pieces = copied(db, objects, statement.args, **UNQUOTED)
        case RunFormat.PARQUET:
            pieces = _parquet(db, select(_typed_sql), statement.args)
    async with aclosing(pieces):
        async for piece in pieces:
            yield piece


async def _statement(db: Database, scope: Scope, where: RunFilter) -> Statement:
    resolved, statement = await resolve_names(db, scope, where), Statement()
    if resolved.matches_nothing:
        statement.conditions.append("false")
    else:
        resolved.apply(statement)
    return statement


def _visible_agents(statement: Statement, scope: Scope) -> str:
    agents = Statement(args=statement.args)
    agents.within("a.project_id", scope)
    return f"SELECT a.id, a.name FROM agent a {agents.where_clause}"


def _select(statement: Statement, agents: str, sql_of: Callable[[Column], str]) -> str:
    columns = ",\n        ".join(f'{sql_of(column)} AS "{column.name}"' for column in COLUMNS)
    return (
        f"WITH visible_agent AS NOT MATERIALIZED ({agents})\n"
        f"SELECT {columns}\n    FROM run r {statement.where_clause}\n    ORDER BY r.started_at, r.id"
    )


def _csv_sql(column: Column) -> str:
    if column.type is Type.TEXT and "CASE" not in column.sql:
        return SAFE.format(sql=column.sql)
    return _json_sql(column)


def _json_sql(column: Column) -> str:
    """Money as a text, as the API gives it: a number of JSON would be rounded by many who read it."""
    match column.type:
        case Type.TIME:
            return INSTANT.format(sql=column.sql)
        case Type.DECIMAL:
            return f"{column.sql}::text"
        case _:
            return column.sql


def _typed_sql(column: Column) -> str:
    return f"{column.sql}::text" if column.type is Type.JSON else column.sql


async def _parquet(db: Database, sql: str, args: list[object]) -> AsyncGenerator[bytes]:
    from . import parquet  # 40 MB that nothing else needs

    file = parquet.File(COLUMNS)
    async with at_leisure(db) as connection:
        cursor = await connection.cursor(sql, *args)
        while found := await cursor.fetch(ROWS_AT_ONCE):
            yield await file.write(found)
    yield await file.end()
