"""From the headers of a request to a principal, without a statement per request."""

import base64
import hmac
import time
from dataclasses import dataclass

from ..db import Database
from ..errors import UnauthenticatedError
from . import cookie, secret
from .keys import find_key
from .local import check_local
from .origin import Headers, comes_from_here
from .principal import Principal
from .remembered import Clock, Remembered
from .sessions import Sessions
from .uses import Uses

INVALID = "The API key is not valid; send a current one as `Authorization: Bearer <key>`."

NOTE_USE = """
UPDATE api_key
SET last_used_at = now()
WHERE id = $1
"""


@dataclass(frozen=True, slots=True)
class _Known:
    principal: Principal
    hash: str


class Authenticator:
    """Of one server process.

    `is_open` lets requests without a key do everything. A key that is sent counts there too.
    """

    def __init__(
        self,
        db: Database,
        *,
        is_open: bool = False,
        sessions: Sessions | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self._db = db
        self.is_open = is_open
        self.sessions = sessions or Sessions(db, clock=clock)
        self._known = Remembered(self._find, clock=clock)
        self._uses = Uses(self._note_use, what="an API key", clock=clock)

    async def of_request(self, headers: Headers, *, from_any_page: bool = False) -> Principal:
        """Who sends these headers. An open server also wants them to come from this machine.

        The cookie of a login counts `from_any_page` or, without that, if a page of this server sends it.
        Raises UnauthenticatedError and ForbiddenError.
        """
        if self.is_open:
            check_local(host=_text(headers, b"host"), origin=_text(headers, b"origin"))
        session = cookie.token(headers) if from_any_page or comes_from_here(headers) else None
        return await self.authenticate(_text(headers, b"authorization"), session)

    async def authenticate(self, authorization: str | None, session: str | None = None) -> Principal:
        """Who sends this Authorization header, or without one is logged in by this session's token.

        Raises UnauthenticatedError, with the same message whether a key is malformed, unknown or revoked.
        """
        if authorization is not None:
            return await self._of_key(_key(authorization))
        if self.is_open:
            return Principal.open()
        principal = await self.sessions.principal(session) if session else None
        if principal is None:
            raise UnauthenticatedError
        return self._used(principal)

    async def close(self) -> None:
        """Wait until the last uses are written."""
        await self._uses.close()
        await self.sessions.close()

    async def _of_key(self, key: str) -> Principal:
        prefix = secret.prefix(key)
        known = prefix and await self._known.get(prefix)
        if not known or not hmac.compare_digest(known.hash, secret.digest(key)):
            raise UnauthenticatedError(INVALID)
        return self._used(known.principal)

    def _used(self, principal: Principal) -> Principal:
        if principal.key_id is not None:
            self._uses.note(principal.key_id)
        return principal

    async def _find(self, prefix: str) -> _Known | None:
        key = await find_key(self._db, prefix)
        return None if key is None or key.revoked_at is not None else _Known(Principal.of_key(key), key.hash)

    async def _note_use(self, key_id: int) -> None:
        await self._db.execute(NOTE_USE, key_id)


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


def _text(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")
