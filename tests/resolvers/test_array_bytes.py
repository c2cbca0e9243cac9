"""What PostgreSQL sends of arrays is read as asyncpg would read it."""

from formicary.db import Database
from formicary.resolvers.array_bytes import integers

ARRAYS = [[1, 2, 3], [], [7], [2**31 - 1, 0]]
LARGE = [[2**40, 0, 1], [], [2**63 - 1]]

SENT = "SELECT string_agg(array_send(a::{type}[]), ''::bytea) FROM unnest($1::text[]) AS a"


async def sent(db: Database, type_: str, arrays: list[list[int]]) -> bytes:
    """The arrays one behind the other."""
    texts = ["{" + ",".join(map(str, array)) + "}" for array in arrays]
    found: bytes = await db.fetchval(SENT.format(type=type_), texts)
    return found


async def test_arrays_are_read_one_behind_the_other(db: Database) -> None:
    assert integers(await sent(db, "integer", ARRAYS)) == [1, 2, 3, 7, 2**31 - 1, 0]
    assert integers(await sent(db, "bigint", ARRAYS + LARGE)) == [1, 2, 3, 7, 2**31 - 1, 0, 2**40, 0, 1, 2**63 - 1]
    assert integers(b"") == []
