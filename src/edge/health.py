"""Whether the process lives, and whether it can do its work."""

import asyncio
import logging

import asyncpg
from starlette.types import Receive, Scope, Send

from ..db import Database
from ..errors import FormicaryError
from ..resolvers.system import worker_fault
from .answer import RETRY_AFTER, json_answer

log = logging.getLogger(__name__)

NOT_KEPT = (b"cache-control", b"no-store")


async def healthz(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Alive: asks nothing, so that a database that is away does not make anyone restart the process."""
    await json_answer({"status": "ok"}, headers=(NOT_KEPT,)).send(send)


class Readiness:
    """Ready: a statement went to the database and came back within `timeout` seconds.

    How the background work goes is only told: this server answers as well without it, and may not even be the one
    that does it. Taking it out of rotation would turn late figures into none. Watch `status` to hear of it.
    """

    def __init__(self, database: Database, *, timeout: float = 2.0) -> None:
        self._database = database
        self._timeout = timeout

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                fault = await worker_fault(self._database)
        except (TimeoutError, FormicaryError, asyncpg.PostgresError) as error:
            body = {"status": "unavailable", "database": self._reason(error)}
            answer = json_answer(body, 503, headers=(NOT_KEPT, RETRY_AFTER))
        else:
            body = {"status": "degraded" if fault else "ok", "database": "ok", "worker": fault or "ok"}
            answer = json_answer(body, headers=(NOT_KEPT,))
        await answer.send(send)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, TimeoutError):
            return f"The database did not answer within {self._timeout:g} s."
        if isinstance(error, FormicaryError):
            return error.message
        log.error("the database refuses to answer", exc_info=error)
        return "The database refuses to answer; the reason is in the log."
