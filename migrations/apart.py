"""Migrating in a process of its own: alembic and what it loads would stay in a server's memory for good.

The process reads the DSN from its stdin, so that no password shows in a list of processes, and works for as long as
that stays open: whoever waits for it can die in any way, and the migration is given up and rolled back.
"""

import asyncio
import sys
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE, Process
from enum import IntEnum
from typing import cast

from formicary.errors import ConfigurationError, UnavailableError

from . import is_current

GRACE_SECONDS = 10


class Exit(IntEnum):
    """How the process ended. Python's own codes are 0, 1 and 2; a message on stdout comes with REFUSED and AWAY."""

    DONE = 0
    REFUSED = 3
    AWAY = 4


async def upgrade_apart(dsn: str) -> bool:
    """Bring the database up to the newest revision; False where it was there already, which takes one connection.

    Raises ConfigurationError where that will never work, UnavailableError where the connection was lost.
    """
    if await is_current(dsn):
        return False
    process = await _start()
    stdin, stdout = cast("StreamWriter", process.stdin), cast("StreamReader", process.stdout)
    try:
        stdin.write(f"{dsn}\n".encode())
        message = (await stdout.read()).decode()
    finally:
        stdin.close()
        await _ended(process)
    if process.returncode == Exit.AWAY:
        raise UnavailableError(message)
    if process.returncode != Exit.DONE:
        raise ConfigurationError(message or f"migrating the database failed, with exit code {process.returncode}")
    return True


async def _start() -> Process:
    """In a session of its own, since Ctrl-C is for whoever waits, and without modules of the working directory."""
    command = [sys.executable, "-P", "-m", __package__]
    try:
        return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, start_new_session=True)
    except OSError as error:
        raise ConfigurationError(f"cannot start {sys.executable} to migrate the database: {error}") from error


async def _ended(process: Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), GRACE_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
