"""Bodies over the wire: how large, how compressed, how interrupted."""

import gzip
import json
import logging
import socket
import tracemalloc
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest
from starlette.types import Message

from formicary.edge.answer import RefusalError
from formicary.edge.body import MAX_MEMBERS, read_body

from .sample import MAX_BODY

JSON = {"content-type": "application/json"}


def request_of(size: int) -> bytes:
    empty = len(json.dumps({"query": "{ slow }", "pad": ""}))
    return json.dumps({"query": "{ slow }", "pad": "x" * (size - empty)}).encode()


def in_chunks(body: bytes, size: int = 64 * 1024) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.parametrize("way", ["announced", "chunked", "gzip", "gzip chunked"])
@pytest.mark.parametrize(("size", "status"), [(MAX_BODY, 200), (MAX_BODY + 1, 413)])
def test_the_limit_holds_whichever_way_a_body_comes(client: httpx2.Client, way: str, size: int, status: int) -> None:
    body = request_of(size)
    headers = dict(JSON)
    if "gzip" in way:
        body, headers["content-encoding"] = gzip.compress(body), "gzip"
    content = in_chunks(body, 100) if "chunked" in way and "gzip" in way else body
    if way == "chunked":
        content = in_chunks(body)
    response = client.post("/graphql", content=content, headers=headers)
    assert response.status_code == status


@pytest.mark.parametrize("after", ["keep-alive", "close"])
@pytest.mark.parametrize("way", ["announced", "chunked"])
def test_a_client_that_sends_far_too_much_gets_to_read_why_it_was_refused(
    client: httpx2.Client, way: str, after: str
) -> None:
    body = b"x" * (MAX_BODY + 20_000_000)
    content = body if way == "announced" else in_chunks(body)
    response = client.post("/graphql", content=content, headers={**JSON, "connection": after})
    assert (response.status_code, response.json()["errors"][0]["extensions"]["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert client.get("/healthz").status_code == 200


def test_a_gzip_bomb_is_stopped_at_the_limit(client: httpx2.Client) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)
    response = client.post("/graphql", content=bomb, headers={**JSON, "content-encoding": "gzip"})
    assert response.status_code == 413


def test_several_gzip_members_are_one_body(client: httpx2.Client) -> None:
    body = b"".join(gzip.compress(part) for part in (b'{"query":', b'"{ slow }"', b"}"))
    response = client.post("/graphql", content=body, headers={**JSON, "content-encoding": "gzip"})
    assert response.json() == {"data": {"slow": "done"}}


@pytest.mark.parametrize(("members", "status"), [(MAX_MEMBERS, 200), (MAX_MEMBERS + 1, 400)])
def test_a_body_of_all_too_many_gzip_members_is_refused(client: httpx2.Client, members: int, status: int) -> None:
    body = gzip.compress(b"") * (members - 1) + gzip.compress(b'{"query": "{ slow }"}')
    response = client.post("/graphql", content=body, headers={**JSON, "content-encoding": "gzip"})
    assert response.status_code == status


@pytest.mark.parametrize(
    "body",
    [b"not gzip", gzip.compress(b'{"query":"{ slow }"}')[:-4], gzip.compress(b"{}") + b"garbage"],
    ids=["not gzip", "cut off", "more behind it"],
)
def test_broken_gzip_is_a_bad_request(client: httpx2.Client, body: bytes) -> None:
    response = client.post("/graphql", content=body, headers={**JSON, "content-encoding": "gzip"})
    assert response.status_code == 400


def test_another_encoding_is_refused_with_those_that_are_taken(client: httpx2.Client) -> None:
    response = client.post("/graphql", content=b"x", headers={**JSON, "content-encoding": "br"})
    assert response.status_code == 415
    assert response.headers["accept-encoding"] == "gzip"


def test_what_is_announced_as_too_large_is_not_waited_for(sample_url: str) -> None:
    parts = urlsplit(sample_url)
    with socket.create_connection((parts.hostname, parts.port), timeout=5) as connection:
        head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {MAX_BODY + 1}"
        connection.sendall(f"{head}\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


async def test_inflating_a_bomb_takes_no_more_memory_than_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    async def receive() -> Message:
        return {"type": "http.request", "body": bomb, "more_body": False}

    tracemalloc.start()
    with pytest.raises(RefusalError):
        await read_body({b"content-encoding": b"gzip"}, receive, MAX_BODY)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * MAX_BODY


def test_a_client_that_leaves_in_mid_body_leaves_no_trace_in_the_log(
    sample_url: str, client: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    parts = urlsplit(sample_url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        head = "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        connection.sendall(head.encode() + b'{"query":')
    assert client.post("/graphql", json={"query": "{ slow }"}).status_code == 200
    assert caplog.records == []
