"""GraphQL over HTTP: POST with JSON, GET for queries, and GraphiQL for browsers.

Under `application/graphql-response+json` the status says how it went, as the specification has it; under
`application/json` every well-formed request gets 200, as clients of that type expect.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

from starlette.types import Receive, Scope, Send

from ..errors import ForbiddenError, FormicaryError, UnavailableError
from ..schema.failure import expected_failure
from ..schema.operation import Context, GraphQLRequest, GraphQLResult, Operations
from . import accept
from .answer import RETRY_AFTER, Answer, RawHeaders, RefusalError, encode_json, failure_answer
from .body import ClientGoneError, drop_rest, read_body
from .graphiql import PAGE
from .parameters import check_content_type, from_body, from_query_string

RequestHeaders: TypeAlias = Mapping[bytes, bytes]
MakeContext: TypeAlias = Callable[[RequestHeaders], Awaitable[Context]]
"""From the headers of a request to what resolvers find in `info.context`; raises FormicaryError to refuse it."""

CONTENT_TYPES = {name: f"{name}; charset=utf-8".encode() for name in (accept.GRAPHQL, accept.JSON)}
ANSWERS = (accept.JSON, accept.GRAPHQL)
BROWSER_ANSWERS = (*ANSWERS, accept.HTML)

HEADERS: Mapping[int, RawHeaders] = {
    HTTPStatus.UNAUTHORIZED: ((b"www-authenticate", b"Bearer"),),
    HTTPStatus.METHOD_NOT_ALLOWED: ((b"allow", b"POST"),),
    HTTPStatus.TOO_MANY_REQUESTS: (RETRY_AFTER,),
    HTTPStatus.SERVICE_UNAVAILABLE: (RETRY_AFTER,),
}
"""What goes with the status of an error."""

NOT_KEPT = (b"cache-control", b"no-store")
VARY = (b"vary", b"accept")


class GraphQLEndpoint:
    """The ASGI application behind `/graphql`."""

    def __init__(self, operations: Operations, *, make_context: MakeContext, max_body_bytes: int) -> None:
        self._operations = operations
        self._make_context = make_context
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except ClientGoneError:
            return
        except RefusalError as refusal:
            await refusal.answer.send(send, before_the_end=drop_rest(receive) if refusal.status == 413 else None)
        else:
            await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        headers: RequestHeaders = dict(scope["headers"])
        method = scope["method"]
        if method == "POST":
            media_type = _negotiate(headers, ANSWERS)
            check_content_type(headers.get(b"content-type"))
        elif method == "GET":
            media_type = _negotiate(headers, BROWSER_ANSWERS)
            if media_type == accept.HTML:
                return PAGE
        else:
            raise _method_not_allowed(b"GET, POST", "Send a POST, or a GET for a query.")
        try:
            context = await self._make_context(headers)
            request = await self._request(scope, headers, receive)
            result = await self._operations.execute(request, context)
        except FormicaryError as error:
            return refuse(error)
        return _http_answer(result, media_type)

    async def _request(self, scope: Scope, headers: RequestHeaders, receive: Receive) -> GraphQLRequest:
        if scope["method"] == "GET":
            return from_query_string(scope["query_string"])
        return from_body(await read_body(headers, receive, self._max_body_bytes))


def refuse(error: FormicaryError) -> Answer:
    """What HTTP says of an error that concerns the whole request."""
    return failure_answer(expected_failure(error), error.status, headers=headers_of(error))


def headers_of(error: FormicaryError) -> RawHeaders:
    return HEADERS.get(error.status, ())


def _negotiate(headers: RequestHeaders, offered: tuple[str, ...]) -> str:
    media_type = accept.preferred(headers.get(b"accept"), offered)
    if media_type is None:
        message = f"This can be answered as {' or '.join(offered)} only."
        raise RefusalError(406, "NOT_ACCEPTABLE", message, VARY)
    return media_type


def _method_not_allowed(allow: bytes, message: str) -> RefusalError:
    return RefusalError(405, "METHOD_NOT_ALLOWED", message, (b"allow", allow))


def _http_answer(result: GraphQLResult, media_type: str) -> Answer:
    body: dict[str, Any] = {}
    status = 200
    headers: RawHeaders = (NOT_KEPT, VARY)
    if result.errors:
        body["errors"] = result.errors
        if _nothing_available(result):
            status, headers = 503, (*headers, RETRY_AFTER)
        elif result.is_request_error:
            status = _request_error_status(result, media_type)
    if status != 503 and not result.is_request_error:
        body["data"] = result.data
    return Answer(encode_json(body), status, CONTENT_TYPES[media_type], headers)


def _nothing_available(result: GraphQLResult) -> bool:
    """Whether the database was away for all of it: then the request may be sent again as a whole."""
    nothing = result.data is None or all(value is None for value in result.data.values())
    return nothing and result.codes == {UnavailableError.code}


def _request_error_status(result: GraphQLResult, media_type: str) -> int:
    if result.codes == {ForbiddenError.code}:
        return 403
    return 400 if media_type == accept.GRAPHQL else 200
