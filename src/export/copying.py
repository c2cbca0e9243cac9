"""The rows of a statement as PostgreSQL itself writes them, passed on in pieces as they come.

Memory stays the same however many rows there are: while nobody takes the next piece, PostgreSQL waits.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from ..db import Connection, Database

PIECES_AHEAD = 4
LONGEST = timedelta(minutes=10)

AT_LEISURE = f"""
    SELECT set_config('statement_timeout', '{LONGEST.total_seconds():.0f}s', true),
        set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)"""
"""A long time for one statement; rows are read in their order rather than sorted, so that the first comes at once."""


async def copied(db: Database, sql: str, args: Sequence[object], **options: object) -> AsyncGenerator[bytes]:
    """The bytes of `COPY (sql) TO STDOUT` as CSV, with asyncpg's options for that."""
    async with db.connection() as connection, _ended_or_cut(connection):
        await connection.execute(f"BEGIN READ ONLY; {AT_LEISURE}")
        pieces = _Pieces()
        copying = asyncio.create_task(
            connection.copy_from_query(
                sql, *args, output=pieces.put, timeout=LONGEST.total_seconds(), format="csv", **options
            )
        )
        copying.add_done_callback(pieces.end)
        try:
            async for piece in pieces:
                yield piece
        finally:
            copying.cancel()
            await asyncio.wait([copying])
        await copying
        await connection.execute("COMMIT")


@asynccontextmanager
async def _ended_or_cut(connection: Connection) -> AsyncIterator[None]:
    """Cut the connection unless the block comes to its end: asyncpg cannot use one again that is within a COPY."""
    try:
        yield
    except BaseException:
        connection.terminate()
        raise


class _Pieces:
    """Hands pieces over; whoever puts one waits while PIECES_AHEAD are not taken yet."""

    def __init__(self) -> None:
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(PIECES_AHEAD)

    async def put(self, piece: bytes) -> None:
        await self._room.acquire()
        self._pieces.put_nowait(bytes(piece))

    def end(self, _: object) -> None:
        self._pieces.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            self._room.release()
            yield piece


@asynccontextmanager
async def at_leisure(db: Database) -> AsyncIterator[Connection]:
    """A snapshot for one long read in order."""
    async with db.snapshot() as connection:
        await connection.fetch(AT_LEISURE)
        yield connection
