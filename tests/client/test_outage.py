"""The real server goes away while agents run, and comes back: every run is there, and none twice."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from typing import Any

import asyncpg
import pytest

from formicary.client import Recorder

from .. import postgres
from ..commands import Servers

RUNS = 10_000
COUNTS = """
    SELECT count(*) AS runs, count(DISTINCT external_id) AS ids, count(*) FILTER (WHERE status = 2) AS succeeded,
           sum(input_tokens) AS tokens
    FROM run"""
AGENT = """
import os, sys
from formicary.client import Recorder
recorder = Recorder(sys.argv[1], spool=sys.argv[2], exit_timeout=0.5)
for number in range(int(sys.argv[3]), int(sys.argv[4])):
    with recorder.run("scout", external_id=f"job-{number}", input_tokens=1):
        pass
"""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        number: int = free.getsockname()[1]
        return number


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


def counts(dsn: str) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        connection = await asyncpg.connect(dsn)
        try:
            return dict(await connection.fetchrow(COUNTS))
        finally:
            await connection.close()

    return postgres.wait_for(ask())


def record(recorder: Recorder, numbers: range) -> None:
    for number in numbers:
        with recorder.run("scout", external_id=f"job-{number}", input_tokens=1):
            pass


ALL = {"runs": RUNS, "ids": RUNS, "succeeded": RUNS, "tokens": RUNS}


def test_runs_made_while_the_server_is_away_are_all_there_afterwards(
    dsn: str, port: int, servers: Servers, tmp_path: Path
) -> None:
    recorder = Recorder(f"http://127.0.0.1:{port}", spool=tmp_path)
    first = servers.start("--port", str(port), DATABASE_URL=dsn)
    record(recorder, range(2_000))
    assert recorder.flush(30)
    record(recorder, range(2_000, 4_000))
    first.stop(SIGKILL)
    record(recorder, range(4_000, 8_000))
    assert not recorder.flush(0.2)
    servers.start("--port", str(port), DATABASE_URL=dsn)
    record(recorder, range(8_000, RUNS))
    assert recorder.flush(60)
    assert counts(dsn) == ALL
    assert (recorder.counts.lost, recorder.counts.dropped) == (0, 0)
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_runs_of_processes_that_are_gone_are_recorded_by_the_next(
    dsn: str, port: int, servers: Servers, tmp_path: Path
) -> None:
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", AGENT, url, str(tmp_path)]
    agents = [subprocess.Popen([*command, str(start), str(start + 2_500)]) for start in range(0, RUNS, 2_500)]
    assert [agent.wait(60) for agent in agents] == [0] * 4
    servers.start("--port", str(port), DATABASE_URL=dsn)
    subprocess.run([*command, "0", "1"], check=True, timeout=60)
    recorder = Recorder(url, spool=tmp_path)
    assert recorder.flush(60)
    assert counts(dsn) == ALL
    recorder.close()
    assert list(tmp_path.iterdir()) == []
