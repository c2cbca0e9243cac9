"""A server that is killed while traces come in has lost nothing that it acknowledged, and a replay doubles nothing."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import httpx2

from ..commands import Servers
from .fixtures import EXPECTED, NAMES, RUNS, Body, assert_expected, body, one_by_one, request_of


def send(url: str, one: Body) -> bool:
    """Whether the spans were acknowledged."""
    try:
        response = httpx2.post(
            f"{url}/v1/traces", content=one.content, headers={"content-type": one.content_type}, timeout=30
        )
    except httpx2.TransportError:
        return False
    assert response.status_code == 200, response.content
    return True


def test_a_server_killed_during_a_replay_has_the_runs_after_the_next(tmp_path: Path) -> None:
    bodies = [single for name in NAMES for single in one_by_one(request_of(name))]
    bodies.append(body("node-sdk.otlp.json"))
    random.Random(1).shuffle(bodies)
    struck = Event()
    with Servers() as servers:
        first = servers.start("--data-dir", str(tmp_path / "data"))

        def send_and_strike(number: int) -> bool:
            taken = send(first.url, bodies[number])
            if number == len(bodies) // 2 and not struck.is_set():
                struck.set()
                first.process.kill()
            return taken

        with ThreadPoolExecutor(4) as clients:
            taken = list(clients.map(send_and_strike, range(len(bodies))))
        assert len(bodies) // 2 <= sum(taken) + 4 < len(bodies)
        second = servers.start("--data-dir", str(tmp_path / "data"))
        missing = [one for one, was_taken in zip(bodies, taken, strict=True) if not was_taken]
        assert all(send(second.url, one) for one in missing)
        once = runs(second.url)
        assert_expected(once, *EXPECTED)
        assert all(send(second.url, one) for one in bodies)
        assert runs(second.url) == once


def runs(url: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = httpx2.post(f"{url}/graphql", json={"query": RUNS}).json()["data"]["runs"]["nodes"]
    return found
