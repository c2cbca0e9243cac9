"""Servers and workers as processes: of all on one database one does the background work."""

import asyncio
import signal
from collections.abc import Iterator

import pytest

from formicary.db import Database
from formicary.worker import NAMES
from formicary.worker.leader import HEARTBEAT_SECONDS, LEASE_SECONDS

from .commands import PATIENCE, Server, Servers, only_line, run

HOLDER = "SELECT holder FROM leader WHERE name = 'worker' AND expires_at > now()"
ALL_DONE = """
    SELECT count(*) = cardinality($1::text[]) FROM background_job
    WHERE name = ANY($1::text[]) AND last_finished_at IS NOT NULL AND last_error IS NULL"""


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


async def leads(db: Database, server: Server, within: float = PATIENCE) -> None:
    """Wait until the database names this process as the one that leads."""
    async with asyncio.timeout(within):
        while f":{server.process.pid}:" not in (await db.fetchval(HOLDER) or ""):
            continue


async def test_a_worker_says_what_it_does_and_does_it(servers: Servers, db: Database) -> None:
    worker = servers.start_worker(DATABASE_URL=db.dsn)
    assert worker.ready == f"Formicary looks after: {', '.join(NAMES)}"
    async with asyncio.timeout(PATIENCE):
        while not await db.fetchval(ALL_DONE, list(NAMES)):
            continue
    code, more_output, _ = worker.stop()
    assert (code, more_output) == (0, "")


async def test_a_worker_that_stops_gives_up_its_lease_and_is_followed(servers: Servers, db: Database) -> None:
    first = servers.start_worker(DATABASE_URL=db.dsn)
    await leads(db, first)
    second = servers.start(DATABASE_URL=db.dsn)
    assert first.stop(signal.SIGINT)[0] == 0
    assert f":{first.process.pid}:" not in (await db.fetchval(HOLDER) or "")
    await leads(db, second)


async def test_a_killed_server_is_followed_by_the_worker_within_the_lease(servers: Servers, db: Database) -> None:
    server = servers.start(DATABASE_URL=db.dsn)
    await leads(db, server)
    worker = servers.start_worker(DATABASE_URL=db.dsn)
    await leads(db, server)
    server.process.kill()
    await leads(db, worker, within=LEASE_SECONDS + HEARTBEAT_SECONDS + 5)


async def test_a_server_may_leave_the_work_to_others(servers: Servers, db: Database) -> None:
    idle = servers.start("--no-worker", DATABASE_URL=db.dsn)
    also_idle = servers.start(DATABASE_URL=db.dsn, FORMICARY_WORKER="false")
    worker = servers.start_worker(DATABASE_URL=db.dsn)
    await leads(db, worker)
    for server in (idle, also_idle):
        assert server.status("/readyz") == 200
        server.stop()
    assert await db.fetchval("SELECT count(*) FROM leader") == 1


def test_figures_may_not_go_before_the_runs(dsn: str) -> None:
    done = run("worker", DATABASE_URL=dsn, FORMICARY_RUNS_KEPT="30", FORMICARY_AGGREGATES_KEPT="36")
    assert done.returncode == 1
    assert "FORMICARY_AGGREGATES_KEPT is not valid" in only_line(done.stderr)
    assert "it takes 37" in done.stderr
