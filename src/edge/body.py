"""The body of a request, whole, never larger than allowed, also not after decompression."""

import asyncio
import contextlib
import zlib
from collections.abc import Mapping

from starlette.types import Receive

from .answer import RefusalError, bad_request

GZIP = 16 + zlib.MAX_WBITS
MAX_MEMBERS = 1_000
"""Each costs the same however little it holds: a body of empty ones would keep a core busy for seconds."""

LINGER_BYTES = 256 * 1024 * 1024
LINGER_SECONDS = 10
"""How much of a refused body is read and dropped before the connection is closed."""


class ClientGoneError(Exception):
    """The client went away before its request was complete."""


async def read_body(headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> bytes:
    """The decoded bytes of the body, at most `limit`, whether announced, chunked or compressed.

    Raises RefusalError (400, 413, 415) and ClientGoneError.
    """
    announced = headers.get(b"content-length")
    if announced is not None and int(announced) > limit:
        raise _too_large(limit)
    encoding = headers.get(b"content-encoding", b"identity").strip().lower()
    if encoding == b"identity":
        return await _read(receive, _Plain(limit))
    if encoding in (b"gzip", b"x-gzip"):
        return await _read(receive, _Gunzip(limit))
    name = encoding.decode("latin-1")[:40]
    message = f"The content encoding {name!r} is not supported; use gzip or none."
    raise RefusalError(415, "UNSUPPORTED_MEDIA_TYPE", message, (b"accept-encoding", b"gzip"))


class _Plain:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise _too_large(self._limit)
        self._parts.append(chunk)

    def whole(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


class _Gunzip:
    """Inflates as the bytes come in, so that a bomb is stopped at the limit. Several members are one body."""

    def __init__(self, limit: int) -> None:
        self._plain = _Plain(limit)
        self._received = _Plain(limit)
        self._room = limit + 1
        self._member = zlib.decompressobj(GZIP)
        self._members = 1
        self._started = False

    def add(self, chunk: bytes) -> None:
        self._received.add(chunk)
        try:
            while chunk:
                chunk = self._inflate(chunk)
        except zlib.error:
            raise bad_request("The body is not valid gzip.") from None

    def _inflate(self, chunk: bytes) -> bytes:
        if self._member.eof:
            self._next_member()
        self._started = True
        inflated = self._member.decompress(chunk, self._room)
        self._room -= len(inflated)
        self._plain.add(inflated)
        return self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def _next_member(self) -> None:
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise bad_request(f"The body has more than {MAX_MEMBERS} gzip members; compress it in one piece.")
        self._member = zlib.decompressobj(GZIP)

    def whole(self) -> bytes:
        if self._started and not self._member.eof:
            raise bad_request("The gzip body is cut off.")
        return self._plain.whole()


async def _read(receive: Receive, body: _Plain | _Gunzip) -> bytes:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        body.add(message.get("body", b""))
        if not message.get("more_body", False):
            return body.whole()


async def drop_rest(receive: Receive) -> None:
    """Read on without keeping anything, for a while: who sends it all before reading gets to read the answer then."""
    dropped = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while dropped < LINGER_BYTES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return


def _too_large(limit: int) -> RefusalError:
    return RefusalError(
        413, "PAYLOAD_TOO_LARGE", f"The body is larger than the limit of {limit} bytes; send less at a time."
    )
