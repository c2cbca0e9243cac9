"""Figures for Prometheus, at `/metrics`, for whoever may read; a key bound to projects sees the agents of these."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable

from starlette.types import Receive, Scope, Send

from ..auth import Access, Principal
from ..db import Database
from ..prometheus.agent_families import agent_families
from ..prometheus.exposition import Family, Format, expose
from ..prometheus.server_families import build_family, fold_families, job_families, pool_families
from ..prometheus.traffic import Traffic
from ..resolvers import series
from ..resolvers.system import background_jobs
from ..schema.failure import failure
from . import accept
from .answer import Answer, RawHeaders, failure_answer
from .graphql import NOT_KEPT, RequestHeaders

TEXT, OPENMETRICS = "text/plain", "application/openmetrics-text"
VARY = (b"vary", b"accept, accept-encoding")
GZIPPED = (b"content-encoding", b"gzip")
GZIP_LEVEL = 1
"""The text repeats itself so much that more effort gains little."""

NOT_ALLOWED = failure_answer(failure("Send a GET.", "METHOD_NOT_ALLOWED"), 405, headers=((b"allow", b"GET, HEAD"),))


class PrometheusEndpoint:
    """`authenticate` gives who sends some headers, or raises FormicaryError."""

    def __init__(
        self,
        database: Database,
        traffic: Traffic,
        *,
        authenticate: Callable[[RequestHeaders], Awaitable[Principal]],
        most_series: int,
    ) -> None:
        self._database = database
        self._traffic = traffic
        self._authenticate = authenticate
        self._most_series = most_series

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await NOT_ALLOWED.send(send)
            return
        headers: RequestHeaders = dict(scope["headers"])
        principal = await self._authenticate(headers)
        principal.require(Access.READ, "`/metrics`")
        answer = await self._answer(principal, headers)
        await answer.send(send)

    async def _answer(self, principal: Principal, headers: RequestHeaders) -> Answer:
        figures = await series.read(self._database, principal.project_ids, self._most_series)
        jobs = await background_jobs(self._database)
        about_server = [
            build_family(),
            *fold_families(figures),
            *job_families(jobs),
            *pool_families(self._database.pool_use),
            *self._traffic.families(),
        ]
        # Many agents make a long text, which is not to hold up the other requests.
        return await asyncio.to_thread(self._compose, figures, about_server, headers)

    def _compose(self, figures: series.Series, about_server: list[Family], headers: RequestHeaders) -> Answer:
        format_ = _format(headers.get(b"accept"))
        body = expose([*agent_families(figures, self._most_series), *about_server], format_)
        more: RawHeaders = (NOT_KEPT, VARY)
        if _takes_gzip(headers.get(b"accept-encoding")):
            body, more = gzip.compress(body, GZIP_LEVEL), (*more, GZIPPED)
        return Answer(body, content_type=format_.encode(), headers=more)


def _format(accepted: bytes | None) -> Format:
    """The plain text for whoever states no wish, and for one that nobody here can fulfil."""
    return Format.OPENMETRICS if accept.preferred(accepted, (TEXT, OPENMETRICS)) == OPENMETRICS else Format.TEXT


def _takes_gzip(accepted: bytes | None) -> bool:
    if accepted is None:
        return False
    codings = [coding.replace(b" ", b"").lower().split(b";") for coding in accepted.split(b",")]
    return any(name == b"gzip" and not _is_zero(weight) for name, *weight in codings)


def _is_zero(parameters: list[bytes]) -> bool:
    return any(parameter.startswith(b"q=0") and not parameter[2:].strip(b"0.") for parameter in parameters)
