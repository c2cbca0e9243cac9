"""Whether a server is ready depends on its database; how the background work goes is told beside it."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
from starlette.types import Message, Receive

from formicary.config import Settings
from formicary.db import Database
from formicary.edge.health import Readiness
from formicary.embedded import EmbeddedPostgres
from formicary.worker import Leader


async def ready(database: Database) -> tuple[int, dict[str, Any]]:
    """Status and body of the answer."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    receive: Receive = asyncio.Queue[Message]().get
    await Readiness(database)({"type": "http"}, receive, send)
    return sent[0]["status"], orjson.loads(b"".join(message.get("body", b"") for message in sent))


async def test_a_server_whose_background_work_goes_well_is_ready(db: Database) -> None:
    await Leader(db).renew()
    assert await ready(db) == (200, {"status": "ok", "database": "ok", "worker": "ok"})


async def test_a_server_is_ready_though_nobody_does_the_background_work(db: Database) -> None:
    reason = "No process does the background work."
    assert await ready(db) == (200, {"status": "degraded", "database": "ok", "worker": reason})


async def test_a_server_without_its_database_is_not_ready(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path, fsync=False) as server:
        db = await Database.open(server.dsn, Settings(data_dir=tmp_path))
        await asyncio.to_thread(server.stop)
        status, body = await ready(db)
        await db.close()
    assert (status, body["status"]) == (503, "unavailable")


async def test_a_database_that_refuses_to_answer_makes_a_server_unready(empty_dsn: str, settings: Settings) -> None:
    db = await Database.open(empty_dsn, settings)
    reason = "The database refuses to answer; the reason is in the log."
    assert await ready(db) == (503, {"status": "unavailable", "database": reason})
    await db.close()
