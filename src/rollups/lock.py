"""Who changes the tiers, one transaction at a time: the fold, what makes cells anew, and retention."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..db import Connection, Database

FOLD_LOCK = 5_707_942_883
"""Of the advisory lock that a transaction holds while it changes the tiers, or drops what they are made of."""


MEMORY = "SET LOCAL work_mem = '64MB'"
"""Most turns need less: 60,000 runs some 12 MB for each step that holds them."""

TURN_SECONDS = 600
"""For one statement of a turn, the wait for the lock included. The time that callers of the API are given for theirs
is no measure: a turn that was cut would be cut again, and the figures would never be made."""
GRACE_SECONDS = 5
"""PostgreSQL ends a statement by itself first."""

PATIENCE = f"SET LOCAL statement_timeout = '{TURN_SECONDS}s'; {MEMORY}"


async def take_fold_lock(connection: Connection) -> None:
    """Wait until no other transaction holds it; first thing in a transaction, whose end gives it back.

    What is read afterwards is as the transactions before have left it (READ COMMITTED).
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1)", FOLD_LOCK)


@asynccontextmanager
async def fold_transaction(db: Database) -> AsyncIterator[Connection]:
    """A transaction under the lock, with memory for the sorts of a turn, and time for its statements."""
    async with db.queue("tiers"), db.transaction() as connection:
        with connection.patient(TURN_SECONDS + GRACE_SECONDS):
            await connection.execute(PATIENCE)
            await take_fold_lock(connection)
            yield connection
