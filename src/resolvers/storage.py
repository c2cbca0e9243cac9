"""How much room the database takes, as a whole and by table."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ..db import Database

TABLES = """
    SELECT coalesce(parent.relname, c.relname) AS name, c.relname AS part,
        CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS rows,
        pg_total_relation_size(c.oid) AS bytes, pg_indexes_size(c.oid) AS index_bytes,
        pg_database_size(current_database()) AS database_bytes
    FROM pg_class c
    LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
    LEFT JOIN pg_class parent ON parent.oid = i.inhparent
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace
    ORDER BY name, part"""


@dataclass(frozen=True, slots=True)
class Room:
    """What a table or a partition takes in bytes, its indexes included.

    `rows` is the planner's estimate, None for what it has not looked at yet.
    """

    name: str
    rows: int | None
    bytes: int
    index_bytes: int


@dataclass(frozen=True, slots=True)
class Table:
    """`partitions` are its parts by name, none where it is in one piece."""

    whole: Room
    partitions: Sequence[Room]


@dataclass(frozen=True, slots=True)
class Storage:
    """`bytes` is the size of the whole database, PostgreSQL's own tables included; the largest table is first."""

    bytes: int
    tables: Sequence[Table]

    def is_large(self, room: Room) -> bool:
        """Whether it is a hundredth of the whole or more."""
        return room.bytes * 100 >= self.bytes

    @property
    def small_tables(self) -> Sequence[Table]:
        return [table for table in self.tables if not self.is_large(table.whole)]


async def storage(db: Database) -> Storage:
    rows = await db.fetch(TABLES)
    tables = [
        _table(name, [Room(*row[1:5]) for row in parts]) for name, parts in groupby(rows, lambda row: row["name"])
    ]
    return Storage(rows[0]["database_bytes"], sorted(tables, key=lambda table: table.whole.bytes, reverse=True))


def _table(name: str, parts: Sequence[Room]) -> Table:
    whole = Room(
        name,
        sum(known) if (known := [part.rows for part in parts if part.rows is not None]) else None,
        sum(part.bytes for part in parts),
        sum(part.index_bytes for part in parts),
    )
    return Table(whole, [] if [part.name for part in parts] == [name] else parts)
