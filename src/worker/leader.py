"""Who does the background work: one process at a time holds a lease in the database, and renews it.

Times are the database's, so that the clocks of several machines need not agree. For itself a process counts the
lease from before it asked, so it stops first.
"""

import asyncio
import logging
import os
import secrets
import socket
import time

import asyncpg

from ..db import Database
from ..errors import FormicaryError, OverloadedError

log = logging.getLogger(__name__)

LEASE_SECONDS = 12.0
HEARTBEAT_SECONDS = 3.0
"""Together they are how long nobody may lead after a process was killed: 15 seconds."""
RESIGN_SECONDS = 3.0

ELECT = """
    INSERT INTO leader (name, holder, elected_at, expires_at)
    VALUES ($1, $2, now(), now() + make_interval(secs => $3))
    ON CONFLICT ON CONSTRAINT leader_pkey DO UPDATE SET
        holder = excluded.holder,
        elected_at = CASE WHEN leader.holder = excluded.holder THEN leader.elected_at ELSE excluded.elected_at END,
        expires_at = excluded.expires_at
    WHERE leader.holder = excluded.holder OR leader.expires_at <= now()
    RETURNING holder"""

RESIGN = "UPDATE leader SET expires_at = now() WHERE name = $1 AND holder = $2 AND expires_at > now()"


def _this_process() -> str:
    """Unique, also where two machines have one name or a process id comes again."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


class Leader:
    """This process's part in the election. Until `renew` is called it does not lead, and nothing else makes it so."""

    def __init__(self, db: Database, *, name: str = "worker", lease: float = LEASE_SECONDS) -> None:
        self._db = db
        self._name = name
        self._lease = lease
        self._until = 0.0
        self._elected = asyncio.Event()
        self.holder = _this_process()

    @property
    def leads(self) -> bool:
        return time.monotonic() < self._until

    async def elected(self) -> None:
        """Return once this process leads."""
        while not self.leads:
            self._elected.clear()
            await self._elected.wait()

    async def renew(self) -> None:
        """Renew the lease, or take one that has expired. Who cannot reach the database does not lead."""
        asked, led = time.monotonic(), self.leads
        try:
            holder = await self._db.write(ELECT, self._name, self.holder, self._lease)
        except OverloadedError:
            raise  # the lease that was granted holds until it expires
        except (FormicaryError, asyncpg.PostgresError):
            self._until = 0.0
            raise
        self._until = asked + self._lease if holder else 0.0
        if self.leads:
            self._elected.set()
        if self.leads != led:
            log.info("this process %s the background work", "does" if self.leads else "no longer does")

    async def resign(self) -> None:
        """Let another process take over at once."""
        self._until = 0.0
        try:
            async with asyncio.timeout(RESIGN_SECONDS):
                await self._db.write(RESIGN, self._name, self.holder)
        except (FormicaryError, asyncpg.PostgresError, TimeoutError) as problem:
            log.warning("the lease of the background work is left to expire: %s", problem or "no answer")
