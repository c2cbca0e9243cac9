"""The server: one connection that is kept, and one request for a batch."""

import json
import ssl
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import SplitResult, urlsplit

from .answers import Answer, Later, Refused, read_answer

MUTATION = (
    "mutation Record($input: RecordRunsInput!) "
    "{ recordRuns(input: $input) { rejected { index problems { path message } } } }"
)
HEAD = b'{"query":%b,"variables":{"input":{"runs":[' % json.dumps(MUTATION).encode()
TAIL = b"]}}}"

PATH = "/graphql"
HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "formicary-client"}
LONGEST_ANSWER = 16 * 1024 * 1024


class Endpoint:
    """`url` is the server's address, with or without `/graphql`; `timeout` is in seconds, of each wait for it.

    Raises ValueError for an address or a key that cannot be one.
    """

    def __init__(self, url: str, key: str | None, *, timeout: float, tls: ssl.SSLContext | None = None) -> None:
        self._parts = _checked(url)
        self._timeout = timeout
        self._tls = tls
        self._connection: HTTPConnection | None = None
        path = self._parts.path.rstrip("/")
        self._path = path if path.endswith(PATH) else path + PATH
        self._headers = dict(HEADERS) if key is None else {**HEADERS, "Authorization": f"Bearer {_printable(key)}"}

    def record(self, lines: Sequence[bytes]) -> Answer:
        body = HEAD + b",".join(lines) + TAIL
        try:
            response = self._send(body)
            answer = response.read(LONGEST_ANSWER)
        except (OSError, HTTPException) as error:
            self.close()
            return Later(str(error) or type(error).__name__)
        if not response.isclosed():
            self.close()
        if 300 <= response.status < 400:
            return Refused(f"HTTP {response.status}: the address redirects to {response.headers['location']}")
        return read_answer(response.status, response.headers["retry-after"], answer)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, body: bytes) -> HTTPResponse:
        """Once more on a new connection where a kept one turns out to be closed, as servers do after a while."""
        if self._connection is not None:
            try:
                return self._exchange(self._connection, body)
            except (ConnectionError, HTTPException):
                self.close()
        self._connection = self._new_connection()
        return self._exchange(self._connection, body)

    def _exchange(self, connection: HTTPConnection, body: bytes) -> HTTPResponse:
        connection.request("POST", self._path, body, self._headers)
        return connection.getresponse()

    def _new_connection(self) -> HTTPConnection:
        """Made no sooner than it is needed, since the certificates of the system take a while to load."""
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return HTTPConnection(host, port, timeout=self._timeout)
        return HTTPSConnection(host, port, timeout=self._timeout, context=self._tls)


def _checked(url: str) -> SplitResult:
    parts = urlsplit(url)
    _ = parts.port  # raises ValueError for one that is none
    plain = url.isascii() and url.isprintable() and " " not in url
    if not plain or parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is not the address of a server: give one such as http://127.0.0.1:8765.")
    return parts


def _printable(key: str) -> str:
    if not key.isascii() or not key.isprintable() or not key.strip():
        raise ValueError("the key has characters that no API key has.")
    return key.strip()
