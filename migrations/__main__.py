"""The process of `apart`: reads a DSN, migrates that database, and says by its exit code how that went."""

import asyncio
import sys

import asyncpg

from formicary.db import CONNECTION_LOST
from formicary.errors import ConfigurationError

from . import upgrade
from .apart import Exit


async def main() -> Exit:
    caller = await _stdin()
    dsn = (await caller.readline()).decode().rstrip("\n")
    migrating, abandoned = asyncio.create_task(upgrade(dsn)), asyncio.create_task(caller.read())
    await asyncio.wait({migrating, abandoned}, return_when=asyncio.FIRST_COMPLETED)
    migrating.cancel()
    try:
        await migrating
    except asyncio.CancelledError:
        return _tell(Exit.AWAY, "migrating the database was given up")
    except Exception as error:
        if (explained := _explain(error)) is None:
            raise
        return explained
    return Exit.DONE


async def _stdin() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _explain(error: Exception) -> Exit | None:
    """Tell what a person can do something about; None is for anything else."""
    cause: BaseException = error
    while cause.__cause__ is not None:  # SQLAlchemy wraps what asyncpg raises
        cause = cause.__cause__
    if isinstance(cause, CONNECTION_LOST):
        return _tell(Exit.AWAY, f"the connection was lost while the database was migrated: {cause}")
    if isinstance(cause, ConfigurationError):
        return _tell(Exit.REFUSED, cause.message)
    if isinstance(cause, asyncpg.PostgresError):
        return _tell(Exit.REFUSED, f"the database cannot be migrated: {cause.args[0]}")
    return None


def _tell(exit_: Exit, message: str) -> Exit:
    sys.stdout.write(message)
    return exit_


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
