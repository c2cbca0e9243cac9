"""An HTTP answer that is known whole, and the refusals that end a request early."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from starlette.types import Send

from ..schema.failure import Failure, failure

RawHeaders: TypeAlias = tuple[tuple[bytes, bytes], ...]

JSON = b"application/json; charset=utf-8"
HTML = b"text/html; charset=utf-8"

RETRY_AFTER = (b"retry-after", b"1")

encode_json = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Answer:
    """`headers` come on top of content-type, content-length and nosniff."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: RawHeaders = ()

    async def send(self, send: Send, *, before_the_end: Awaitable[None] | None = None) -> None:
        """Send it; `before_the_end` is done when all of it is sent and the exchange not yet over."""
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            (b"x-content-type-options", b"nosniff"),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": before_the_end is not None})
        if before_the_end is not None:
            await before_the_end
            await send({"type": "http.response.body"})


def json_answer(value: Any, status: int = 200, *, headers: RawHeaders = ()) -> Answer:
    return Answer(encode_json(value), status, JSON, headers)


def failure_answer(entry: Failure, status: int, *, headers: RawHeaders = ()) -> Answer:
    return json_answer({"errors": [entry]}, status, headers=headers)


class RefusalError(Exception):
    """A request that HTTP itself does not let through; the answer is JSON in the shape of GraphQL errors."""

    def __init__(self, status: int, code: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers

    @property
    def answer(self) -> Answer:
        return failure_answer(failure(self.message, self.code), self.status, headers=self.headers)


def bad_request(message: str) -> RefusalError:
    return RefusalError(400, "BAD_REQUEST", message)
