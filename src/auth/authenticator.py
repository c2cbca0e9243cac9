"""From the Authorization header to a principal, without a statement per request.

A key that was found in the database is known for `TTL` seconds; a revocation takes effect within that time.
Only keys that exist are kept in memory, so made-up ones can neither fill it nor push others out.
"""

import asyncio
import base64
import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from ..db import Database
from ..errors import FormicaryError, UnauthenticatedError
from ..models.api_key import ApiKey, Role
from . import secret
from .keys import find_key
from .principal import Principal

log = logging.getLogger(__name__)

TTL = 5.0
NOTE_USE_EVERY = 60.0
MOST_KNOWN = 10_000
INVALID = "The API key is not valid; send a current one as `Authorization: Bearer <key>`."

NOTE_USE = """
UPDATE api_key
SET last_used_at = now()
WHERE id = $1
"""


@dataclass(slots=True)
class _Known:
    principal: Principal
    hash: str
    until: float


class Authenticator:
    """Of one server process.

    `is_open` lets requests without a key do everything. A key that is sent counts there too.
    """

    def __init__(self, db: Database, *, is_open: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._db = db
        self._clock = clock
        self.is_open = is_open
        self._known: dict[str, _Known] = {}
        self._asking: dict[str, asyncio.Task[_Known | None]] = {}
        self._use_noted: dict[int, float] = {}
        self._notes: set[asyncio.Task[None]] = set()

    async def authenticate(self, authorization: str | None) -> Principal:
        """Who sends this Authorization header.

        Raises UnauthenticatedError, with the same message whether a key is malformed, unknown or revoked.
        """
        if authorization is None:
            if self.is_open:
                return Principal.open()
            raise UnauthenticatedError
        key = _key(authorization)
        prefix = secret.prefix(key)
        known = prefix and await self._lookup(prefix)
        if not known or not hmac.compare_digest(known.hash, secret.digest(key)):
            raise UnauthenticatedError(INVALID)
        self._note_use(known.principal)
        return known.principal

    async def close(self) -> None:
        """Wait until the last uses are written."""
        await asyncio.gather(*self._notes)

    async def _lookup(self, prefix: str) -> _Known | None:
        known = self._known.get(prefix)
        if known and self._clock() < known.until:
            return known
        asking = self._asking.get(prefix)
        if asking is None:
            asking = self._asking[prefix] = asyncio.create_task(self._ask(prefix))
            asking.add_done_callback(lambda _: self._asking.pop(prefix))
        return await asyncio.shield(asking)

    async def _ask(self, prefix: str) -> _Known | None:
        asked_at = self._clock()
        key = await find_key(self._db, prefix)
        self._known.pop(prefix, None)
        if key is None or key.revoked_at is not None:
            return None
        return self._remember(key, asked_at)

    def _remember(self, key: ApiKey, asked_at: float) -> _Known:
        if len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        known = _Known(_principal(key), key.hash, asked_at + TTL)
        self._known[key.prefix] = known
        return known

    def _note_use(self, principal: Principal) -> None:
        if (key_id := principal.key_id) is None:
            return
        now = self._clock()
        if now < self._use_noted.get(key_id, -NOTE_USE_EVERY) + NOTE_USE_EVERY:
            return
        self._use_noted[key_id] = now
        task = asyncio.create_task(self._write_use(key_id))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _write_use(self, key_id: int) -> None:
        try:
            await self._db.execute(NOTE_USE, key_id)
        except (FormicaryError, asyncpg.PostgresError) as error:
            log.warning("the last use of API key %d was not written: %s", key_id, error)


def _key(authorization: str) -> str:
    """The key of a Bearer header, or the password of a Basic one, which is what a browser can ask a person for."""
    scheme, _, credentials = authorization.partition(" ")
    match scheme.lower():
        case "bearer":
            return credentials.strip()
        case "basic":
            return _password(credentials.strip())
        case _:
            return ""


def _password(credentials: str) -> str:
    try:
        decoded = base64.b64decode(credentials, validate=True).decode()
    except ValueError:  # not ASCII, not base64, or not UTF-8 within
        return ""
    return decoded.partition(":")[2]


def _principal(key: ApiKey) -> Principal:
    project_ids = None if key.project_ids is None else frozenset(key.project_ids)
    return Principal(role=Role(key.role), project_ids=project_ids, key_id=key.id)
