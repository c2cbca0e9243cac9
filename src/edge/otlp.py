"""OTLP over HTTP: `POST /v1/traces` in protobuf or JSON, answered in kind, errors as a `google.rpc.Status`.

What is acknowledged has been committed. An answer that may be followed by another try says when: Retry-After.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from starlette.types import Receive, Scope, Send

from ..auth import Access, Principal
from ..errors import FormicaryError
from ..ingest.turns import Turns
from ..otlp import json_body, protobuf_body
from ..otlp.batch import Batch, Refusals
from ..otlp.receiver import Receiver
from .answer import Answer, RawHeaders, RefusalError, encode_json
from .body import ClientGoneError, drop_rest, read_body
from .graphql import RequestHeaders, headers_of

LARGE_BYTES = 1024 * 1024
"""From here on a body is decoded beside other requests, not between them."""
LARGE_AT_ONCE = 1
"""What is decoded takes more memory than its body: twice as much, or forty times, where it is made to."""

CODES: Mapping[int, Code] = {
    HTTPStatus.BAD_REQUEST: Code.INVALID_ARGUMENT,
    HTTPStatus.UNAUTHORIZED: Code.UNAUTHENTICATED,
    HTTPStatus.FORBIDDEN: Code.PERMISSION_DENIED,
    HTTPStatus.METHOD_NOT_ALLOWED: Code.UNIMPLEMENTED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: Code.RESOURCE_EXHAUSTED,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: Code.INVALID_ARGUMENT,
    HTTPStatus.TOO_MANY_REQUESTS: Code.RESOURCE_EXHAUSTED,
    HTTPStatus.SERVICE_UNAVAILABLE: Code.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a body is read, and an answer to it written."""

    content_type: bytes
    read: Callable[[bytes, Batch], None]
    response: Callable[[Refusals], bytes]
    status: Callable[[int, str], bytes]


def _response(refusals: Refusals) -> bytes:
    response = ExportTraceServiceResponse()
    if refusals.spans:
        response.partial_success.rejected_spans = refusals.spans
        response.partial_success.error_message = refusals.message
    return response.SerializeToString()


def _json_response(refusals: Refusals) -> bytes:
    if not refusals.spans:
        return b"{}"
    return encode_json({"partialSuccess": {"rejectedSpans": str(refusals.spans), "errorMessage": refusals.message}})


def _status(code: int, message: str) -> bytes:
    return bytes(Status(code=code, message=message).SerializeToString())


def _json_status(code: int, message: str) -> bytes:
    return encode_json({"code": code, "message": message})


PROTOBUF = Encoding(b"application/x-protobuf", protobuf_body.read, _response, _status)
JSON = Encoding(b"application/json", json_body.read, _json_response, _json_status)


class TracesEndpoint:
    """`authenticate` gives who sends some headers, or raises FormicaryError."""

    def __init__(
        self,
        receiver: Receiver,
        *,
        authenticate: Callable[[RequestHeaders], Awaitable[Principal]],
        max_body_bytes: int,
        patience: float,
    ) -> None:
        self._receiver = receiver
        self._authenticate = authenticate
        self._max_body_bytes = max_body_bytes
        self._large = Turns(LARGE_AT_ONCE, patience=patience)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: RequestHeaders = dict(scope["headers"])
        encoding = _encoding(headers.get(b"content-type", b""))
        try:
            refusals = await self._take(scope["method"], headers, encoding, receive)
        except ClientGoneError:
            return
        except RefusalError as refusal:
            answer = _failure(encoding, refusal.status, refusal.message, refusal.headers)
            await answer.send(send, before_the_end=drop_rest(receive) if refusal.status == 413 else None)
        except FormicaryError as error:
            await _failure(encoding, error.status, error.message, headers_of(error)).send(send)
        else:
            written = encoding or JSON
            await Answer(written.response(refusals), content_type=written.content_type).send(send)

    async def _take(
        self, method: str, headers: RequestHeaders, encoding: Encoding | None, receive: Receive
    ) -> Refusals:
        if method != "POST":
            raise RefusalError(405, "METHOD_NOT_ALLOWED", "Send spans as a POST.", (b"allow", b"POST"))
        if encoding is None:
            message = "Send spans as `Content-Type: application/x-protobuf` or `application/json`."
            raise RefusalError(415, "UNSUPPORTED_MEDIA_TYPE", message)
        principal = await self._authenticate(headers)
        principal.require(Access.INGEST, "`/v1/traces`")
        body = await read_body(headers, receive, self._max_body_bytes)
        if len(body) < LARGE_BYTES:
            return await self._receiver.receive(_decoded(encoding, body), principal.project_ids)
        async with self._large.take():
            batch = await asyncio.to_thread(_decoded, encoding, body)
            return await self._receiver.receive(batch, principal.project_ids)


def _encoding(content_type: bytes) -> Encoding | None:
    media = content_type.partition(b";")[0].strip().lower()
    return next((encoding for encoding in (PROTOBUF, JSON) if encoding.content_type == media), None)


def _decoded(encoding: Encoding, body: bytes) -> Batch:
    batch = Batch(datetime.now(UTC))
    encoding.read(body, batch)
    return batch


def _failure(encoding: Encoding | None, status: int, message: str, headers: RawHeaders) -> Answer:
    written = encoding or JSON
    return Answer(written.status(CODES[status], message), status, written.content_type, headers)
