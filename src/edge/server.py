"""The outermost ASGI application: the hot path first, then the pages, and what they have in common.

Nothing leaves it as a traceback: what is unexpected is logged under an id, and the caller is told the id.
"""

import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import TypeAlias

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from formicary_web.assets import PREFIX
from formicary_web.feed import PATH as FEED

from ..errors import FormicaryError
from ..prometheus.traffic import Traffic
from ..schema.failure import Failure, expected_failure, failure, masked_failure
from . import accept
from .answer import RawHeaders, failure_answer
from .graphql import headers_of

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)


ErrorPage: TypeAlias = Callable[[Request, int, str | None, str | None], Response]
"""From a request, a status, a message and the id of a masked error to a page for people."""


class Edge:
    """Sends exact paths to their endpoints and the rest, like the lifespan, to the pages; notes the `traffic`."""

    def __init__(
        self, *, endpoints: Mapping[str, ASGIApp], pages: ASGIApp, error_page: ErrorPage, traffic: Traffic | None = None
    ) -> None:
        self._endpoints = endpoints
        self._pages = pages
        self._error_page = error_page
        self._traffic = traffic or Traffic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        guarded, begun = _Guarded(send), time.perf_counter()
        try:
            await self._answer(scope, receive, guarded)
        finally:
            self._traffic.note(self._name(scope["path"]), guarded.status, time.perf_counter() - begun)

    async def _answer(self, scope: Scope, receive: Receive, guarded: "_Guarded") -> None:
        scope["app"] = self  # makes Starlette's router raise what it does not find
        try:
            if endpoint := self._endpoints.get(scope["path"]):
                await endpoint(scope, receive, guarded)
            else:
                await self._pages(scope, receive, guarded.with_security_headers)
        except ClientDisconnect:
            return
        except Exception as error:
            if guarded.status:
                raise
            await self._fail(error, scope, receive, guarded)

    def _name(self, path: str) -> str:
        """Of the endpoint: a path of one page stands for all of them, as anybody may ask for any.

        The feed goes on for as long as somebody looks, so its times are apart from those of pages.
        """
        if path in self._endpoints or path == FEED:
            return path
        return PREFIX if path.startswith(PREFIX) else "pages"

    async def _fail(self, error: Exception, scope: Scope, receive: Receive, guarded: "_Guarded") -> None:
        """Answer a request whose handling ended in an error, with a page for whoever prefers that."""
        entry, status, headers = _describe(error, scope["path"])
        accepted = dict(scope["headers"]).get(b"accept")
        if accept.preferred(accepted, (accept.JSON, accept.HTML)) != accept.HTML:
            await failure_answer(entry, status, headers=headers).send(guarded)
            return
        page = self._error_page(Request(scope), status, entry["message"], entry["extensions"].get("id"))
        page.raw_headers.extend(headers)
        await page(scope, receive, guarded.with_security_headers)


class _Guarded:
    """Knows the status of the answer that has begun: after that, no other can take its place. 0 is before."""

    __slots__ = ("_send", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def with_security_headers(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["x-content-type-options"] = "nosniff"
            headers.setdefault("referrer-policy", "same-origin")
            if headers.get("content-type", "").startswith("text/html"):
                headers.setdefault("content-security-policy", CONTENT_SECURITY_POLICY)
        await self(message)


def _describe(error: Exception, path: str) -> tuple[Failure, int, RawHeaders]:
    if isinstance(error, FormicaryError):
        return expected_failure(error), error.status, headers_of(error)
    if isinstance(error, HTTPException):
        headers = tuple((k.lower().encode(), v.encode()) for k, v in (error.headers or {}).items())
        return _http_failure(error, path), error.status_code, headers
    return masked_failure(error), 500, ()


def _http_failure(error: HTTPException, path: str) -> Failure:
    phrase = HTTPStatus(error.status_code).phrase
    message = f"There is nothing at {path[:200]}." if error.status_code == 404 else error.detail
    return failure(message, phrase.upper().replace(" ", "_"))
