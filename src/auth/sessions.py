"""Browsers that are logged in to the dashboard by an API key.

A browser holds a token in a cookie, the database its hash. A session ends when it is logged out, when its key is
revoked, when it is idle for too long, and in any case some days after the login. A page that is open asks for its
parts again and again and so keeps its session in use.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func
from sqlmodel import col, select

from ..db import Database
from ..errors import UnauthenticatedError
from ..models.api_key import ApiKey
from ..models.dashboard_session import DashboardSession
from .principal import Principal
from .remembered import Clock, Remembered
from .uses import Uses

IDLE = timedelta(hours=12)
LIFETIME = timedelta(days=7)

TOKEN_BYTES = 32
"""256 random bits, which nobody can guess: as with API keys, one SHA-256 is what is kept."""

BEGIN = """
WITH over AS (
    DELETE FROM dashboard_session
    WHERE expires_at < now()
)
INSERT INTO dashboard_session (key_id, hash, expires_at)
VALUES ($1, $2, now() + $3)
"""

NOTE_USE = """
UPDATE dashboard_session
SET last_seen_at = now()
WHERE hash = $1
"""

END = """
UPDATE dashboard_session
SET revoked_at = coalesce(revoked_at, now())
WHERE hash = $1
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """What the cookie of a new session holds, and for how long at most."""

    token: str
    lifetime: timedelta


class Sessions:
    """Of one server process."""

    def __init__(
        self, db: Database, *, idle: timedelta = IDLE, lifetime: timedelta = LIFETIME, clock: Clock = time.monotonic
    ) -> None:
        self._db = db
        self._idle = idle
        self._lifetime = lifetime
        self._known = Remembered(self._find, clock=clock)
        self._uses = Uses(self._note_use, what="a dashboard session", clock=clock)

    async def begin(self, principal: Principal) -> Begun:
        """Of somebody who has shown a key. Raises UnauthenticatedError for one who was not asked for one."""
        if principal.key_id is None:
            raise UnauthenticatedError
        token = secrets.token_urlsafe(TOKEN_BYTES)
        await self._db.execute(BEGIN, principal.key_id, _digest(token), self._lifetime)
        return Begun(token, self._lifetime)

    async def principal(self, token: str) -> Principal | None:
        """Who is logged in by this token; None where nobody is, or not any more."""
        digest = _digest(token)
        principal = await self._known.get(digest)
        if principal is not None:
            self._uses.note(digest)
        return principal

    async def end(self, token: str) -> None:
        """Other server processes notice within seconds."""
        await self._db.execute(END, _digest(token))
        self._known.forget(_digest(token))

    async def close(self) -> None:
        """Wait until the last uses are written."""
        await self._uses.close()

    async def _find(self, digest: str) -> Principal | None:
        session = DashboardSession
        keys = await self._db.select(
            select(ApiKey)
            .join(session, col(session.key_id) == col(ApiKey.id))
            .where(session.hash == digest, col(session.revoked_at).is_(None), col(ApiKey.revoked_at).is_(None))
            .where(col(session.expires_at) > func.now(), col(session.last_seen_at) > func.now() - self._idle)
        )
        return Principal.of_key(keys[0]) if keys else None

    async def _note_use(self, digest: str) -> None:
        await self._db.execute(NOTE_USE, digest)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
