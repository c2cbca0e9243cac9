"""What PostgreSQL sends of arrays is read as asyncpg would read it."""

from formicary.db import Database
from formicary.resolvers.array_bytes import integers, large_integers, sent_elements

ARRAYS = [[1, 2, 3], [], [7], [2**31 - 1, 0]]
LARGE = [[2**40, 0, 1], [], [2**63 - 1]]


async def sent(db: Database, type_: str, arrays: list[list[int]]) -> bytes:
    texts = ["{" + ",".join(map(str, array)) + "}" for array in arrays]
    found: bytes = await db.fetchval(f"SELECT {sent_elements(f'a::{type_}[]')} FROM unnest($1::text[]) AS a", texts)
    return found


async def test_arrays_are_read_one_behind_the_other(db: Database) -> None:
    assert list(integers(await sent(db, "integer", ARRAYS))) == [1, 2, 3, 7, 2**31 - 1, 0]
    assert large_integers(await sent(db, "bigint", ARRAYS + LARGE)) == [
        1,
        2,
        3,
        7,
        2**31 - 1,
        0,
        2**40,
        0,
        1,
        2**63 - 1,
    ]
    assert list(integers(b"")) == large_integers(b"") == []
