"""A server that answers as a test tells it, over real HTTP, and remembers what it was sent."""

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE = 10


@dataclass
class Reply:
    """What to answer to a request. `hangs` keeps it waiting until then; `cuts` answers nothing."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: threading.Event | None = None
    cuts: bool = False


def failure(message: str, code: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}


def rejected(*indices: int) -> dict[str, Any]:
    problems = [{"path": "agent", "message": "must not be empty."}]
    return {"data": {"recordRuns": {"rejected": [{"index": index, "problems": problems} for index in indices]}}}


class StandIn(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.replies: deque[Reply] = deque()
        self.batches: list[list[dict[str, Any]]] = []
        self.headers: list[Mapping[str, str]] = []
        self.connections = 0
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def runs(self) -> list[dict[str, Any]]:
        return [run for batch in self.batches for run in batch]

    def judge(self, batch: list[dict[str, Any]]) -> Reply:
        """The next reply that a test has put down, else that all is well."""
        return self.replies.popleft() if self.replies else Reply(body=rejected())

    def received(self, batch: list[dict[str, Any]], headers: Mapping[str, str]) -> None:
        with self._changed:
            self.batches.append(batch)
            self.headers.append(headers)
            self._changed.notify_all()

    def wait_for_batches(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.batches) >= number, PATIENCE)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def stand_in(self) -> StandIn:
        assert isinstance(self.server, StandIn)
        return self.server

    def setup(self) -> None:
        self.stand_in.connections += 1
        super().setup()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            batch = json.loads(body)["variables"]["input"]["runs"]
        except ValueError:
            self._send(Reply(400, failure("not JSON", "BAD_REQUEST")))
            return
        self.stand_in.received(batch, dict(self.headers))
        self._send(self.stand_in.judge(batch))

    def _send(self, reply: Reply) -> None:
        if reply.hangs is not None:
            reply.hangs.wait(PATIENCE)
        if reply.cuts or reply.hangs is not None:
            self.close_connection = True
            return
        text = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(text)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        """The test says what it needs to know."""


@contextmanager
def standing_in(port: int = 0, kind: type[StandIn] = StandIn) -> Iterator[StandIn]:
    with kind(port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
