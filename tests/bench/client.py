"""HTTP clients in processes of their own that cost little: prepared requests, one socket each, keep-alive."""

import multiprocessing
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Self

PROCESSES = multiprocessing.get_context("fork")
HEAD = b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Target:
    path: bytes
    content_type: bytes


GRAPHQL = Target(b"/graphql", b"application/json")


@dataclass(frozen=True, slots=True)
class Burst:
    """How long each request took, and all of them together with the clients side by side; in seconds."""

    latencies: list[float]
    wall: float


class UnexpectedAnswerError(Exception):
    """The server said something else than what the measurement needs."""


def post(port: int, body: bytes, target: Target = GRAPHQL) -> bytes:
    """One request; the answer's body."""
    with _Exchange(port) as exchange:
        return exchange.send(_request(body, target))


def send_all(port: int, shares: Sequence[Sequence[bytes]], expected: bytes, target: Target = GRAPHQL) -> Burst:
    """Send each share of bodies from a process of its own, all at once; every answer must hold `expected`."""
    start = PROCESSES.Event()
    pipes, workers = [], []
    for bodies in shares:
        ours, theirs = PROCESSES.Pipe(duplex=False)
        workers.append(PROCESSES.Process(target=_work, args=(port, bodies, expected, start, theirs, target)))
        pipes.append(ours)
    for worker in workers:
        worker.start()
    for pipe in pipes:
        pipe.recv()  # connected
    begun = time.perf_counter()
    start.set()
    outcomes = [pipe.recv() for pipe in pipes]
    wall = time.perf_counter() - begun
    for worker in workers:
        worker.join()
    if failed := [outcome for outcome in outcomes if isinstance(outcome, str)]:
        raise UnexpectedAnswerError(failed[0])
    return Burst([latency for outcome in outcomes for latency in outcome], wall)


def _work(
    port: int, bodies: Sequence[bytes], expected: bytes, start: Event, answer: Connection, target: Target
) -> None:
    requests = [_request(body, target) for body in bodies]
    with _Exchange(port) as exchange:
        answer.send("connected")
        start.wait()
        latencies = []
        for request in requests:
            begun = time.perf_counter()
            body = exchange.send(request)
            latencies.append(time.perf_counter() - begun)
            if expected not in body:
                answer.send(f"{expected!r} is not in {body[:1000]!r}")
                return
    answer.send(latencies)


def _request(body: bytes, target: Target) -> bytes:
    return HEAD % (target.path, target.content_type, len(body)) + body


class _Exchange:
    """One connection: a request out, its answer in."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, request: bytes) -> bytes:
        self._socket.sendall(request)
        received = self._receive()
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._receive()
        head, body = received[:end].lower(), [received[end + 4 :]]
        missing = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]) - len(body[0])
        while missing > 0:
            body.append(self._receive())
            missing -= len(body[-1])
        return b"".join(body)

    def _receive(self) -> bytes:
        received = self._socket.recv(1 << 18)
        if not received:
            raise UnexpectedAnswerError("the server closed the connection")
        return received
