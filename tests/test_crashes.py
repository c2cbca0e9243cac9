"""Acknowledged means committed, and what is sent again is stored once: whoever is killed in between."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

FORMICARY = Path(sys.executable).with_name("formicary")
RECORD = """mutation ($input: RecordRunsInput!) {
    recordRuns(input: $input) { received recorded updated unchanged rejected { index } }
}"""
BATCHES, BATCH = 60, 50


class Servers(ExitStack):
    """Servers on one data directory; all of them are dead when it is left."""

    def __init__(self, data: Path) -> None:
        super().__init__()
        self.data = data

    def start(self) -> "subprocess.Popen[str]":
        process = self.enter_context(
            subprocess.Popen(
                [FORMICARY, "serve", "--port", "0", "--data-dir", self.data],
                env={name: value for name, value in os.environ.items() if name != "DATABASE_URL"},
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
        self.callback(process.terminate)
        return process


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip().removeprefix("Formicary is ready at ")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with Servers(tmp_path / "data") as servers:
        yield servers


def batch(number: int) -> dict[str, object]:
    runs = [{"agent": f"agent-{n % 7}", "externalId": f"{number}-{n}", "durationMs": n} for n in range(BATCH)]
    return {"query": RECORD, "variables": {"input": {"runs": runs}}}


def send(url: str, number: int) -> dict[str, int] | None:
    """The payload of an acknowledged batch."""
    try:
        answer = httpx2.post(f"{url}/graphql", json=batch(number), timeout=30).json()
    except (httpx2.TransportError, ValueError):
        return None
    payload: dict[str, int] | None = (answer.get("data") or {}).get("recordRuns")
    assert payload is None or payload["recorded"] + payload["unchanged"] == payload["received"] == BATCH
    return payload


def send_until_acknowledged(url: str, number: int) -> dict[str, int]:
    for _ in range(100):
        if payload := send(url, number):
            return payload
    raise AssertionError("the server did not come back")


def send_all(url: str, strike_after: int, strike: Callable[[], None]) -> list[bool]:
    """Send every batch, four at a time, and strike when some have been acknowledged; which ones were."""
    acknowledged = [False] * BATCHES
    with ThreadPoolExecutor(4) as clients:
        sent = {clients.submit(send, url, number): number for number in range(BATCHES)}
        for done in as_completed(sent):
            acknowledged[sent[done]] = done.result() is not None
            if sum(acknowledged) == strike_after and acknowledged[sent[done]]:
                strike()
    return acknowledged


def stored(url: str) -> set[str]:
    """The external ids of all runs, each of which must be there once."""
    found: list[str] = []
    query = """query ($after: String) { runs(first: 500, after: $after) {
        nodes { externalId } pageInfo { hasNextPage endCursor } } }"""
    page: dict[str, object] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        body = {"query": query, "variables": {"after": page["endCursor"]}}
        runs = httpx2.post(f"{url}/graphql", json=body).json()["data"]["runs"]
        found += [run["externalId"] for run in runs["nodes"]]
        page = runs["pageInfo"]
    assert len(found) == len(set(found))
    return set(found)


def test_a_server_killed_in_mid_ingest_has_lost_nothing_and_a_retry_doubles_nothing(servers: Servers) -> None:
    first = servers.start()
    acknowledged = send_all(address(first), BATCHES // 3, first.kill)
    assert BATCHES // 3 <= sum(acknowledged) < BATCHES
    second = address(servers.start())
    kept = stored(second)
    for number in range(BATCHES):
        ids = {f"{number}-{n}" for n in range(BATCH)}
        assert ids <= kept if acknowledged[number] else ids <= kept or not ids & kept
    assert all(send(second, number) for number in range(BATCHES))
    assert len(stored(second)) == BATCHES * BATCH


def test_a_database_killed_in_mid_ingest_comes_back_and_has_lost_nothing(servers: Servers) -> None:
    url = address(servers.start())
    (pid_file,) = servers.data.rglob("postmaster.pid")
    postmaster = int(pid_file.read_text().split()[0])
    acknowledged = send_all(url, BATCHES // 3, lambda: os.kill(postmaster, signal.SIGQUIT))
    assert sum(acknowledged) >= BATCHES // 3
    for number in range(BATCHES):
        payload = send_until_acknowledged(url, number)
        assert payload["unchanged"] == BATCH or not acknowledged[number]
    assert len(stored(url)) == BATCHES * BATCH
