"""Whether the process lives, and whether it can do its work."""

import asyncio
import logging

import asyncpg
from starlette.types import Receive, Scope, Send

from ..db import Database
from ..errors import FormicaryError
from .answer import RETRY_AFTER, json_answer

log = logging.getLogger(__name__)

NOT_KEPT = (b"cache-control", b"no-store")


async def healthz(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Alive: asks nothing, so that a database that is away does not make anyone restart the process."""
    await json_answer({"status": "ok"}, headers=(NOT_KEPT,)).send(send)


class Readiness:
    """Ready: a statement went to the database and came back within `timeout` seconds."""

    def __init__(self, database: Database, *, timeout: float = 2.0) -> None:
        self._database = database
        self._timeout = timeout

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        reason = await self._fault()
        if reason is None:
            answer = json_answer({"status": "ok", "database": "ok"}, headers=(NOT_KEPT,))
        else:
            body = {"status": "unavailable", "database": reason}
            answer = json_answer(body, 503, headers=(NOT_KEPT, RETRY_AFTER))
        await answer.send(send)

    async def _fault(self) -> str | None:
        try:
            async with asyncio.timeout(self._timeout):
                await self._database.fetchval("SELECT 1")
        except TimeoutError:
            return f"The database did not answer within {self._timeout:g} s."
        except FormicaryError as error:
            return error.message
        except asyncpg.PostgresError:
            log.exception("the database refuses to answer")
            return "The database refuses to answer; the reason is in the log."
        return None
