"""What the recorder sends is what the real API takes."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from formicary.app import create_app
from formicary.auth import Authenticator, create_key
from formicary.client import Facts, Recorder
from formicary.config import Settings
from formicary.db import Database
from formicary.models.api_key import Role

from ..edge.serving import listening
from .conftest import NewRecorder

RUN = """
    SELECT r.*, v.version, p.slug, a.name
    FROM run r
    JOIN agent a ON a.id = r.agent_id
    JOIN project p ON p.id = r.project_id
    JOIN agent_version v ON v.id = r.version_id
    ORDER BY r.id"""
QUEUED = datetime.now(UTC) - timedelta(seconds=5)

FACTS: Facts = {
    "queued_at": QUEUED,
    "model": "claude-haiku-4-5",
    "provider": "anthropic",
    "models": ["claude-haiku-4-5", "claude-opus-4-5"],
    "tools": ["search", "read"],
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 125,
    "cached_input_tokens": 64,
    "time_to_first_token_ms": 250.4,
    "cost": Decimal("0.00125"),
    "initiator": "cron",
    "task_id": "t-1",
    "trace_id": "tr-1",
    "span_id": "sp-1",
    "session_id": "s-1",
    "user_id": "u-1",
    "input_length": 400,
    "output_length": 80,
    "files_created": 1,
    "files_modified": 2,
    "messages": 3,
    "pheromone_score": 0.75,
    "metadata": {"branch": "main", "nested": {"list": [1, 2.5, None, "\N{SNOWMAN}"]}},
}


@pytest.fixture
async def authenticator(db: Database) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(db, is_open=True)
    yield authenticator
    await authenticator.close()


@pytest.fixture
async def url(settings: Settings, db: Database, authenticator: Authenticator) -> AsyncIterator[str]:
    async with listening(create_app(settings, database=db, authenticator=authenticator)) as url:
        yield url


async def flush(recorder: Recorder) -> bool:
    return await asyncio.to_thread(recorder.flush, 30)


async def test_every_fact_is_stored_as_it_was_stated(url: str, db: Database, new_recorder: NewRecorder) -> None:
    recorder = new_recorder(url, project="shop", version="1.2")
    async with recorder.run("planner") as outer:
        run = recorder.run("scout", **FACTS)
        with pytest.raises(TimeoutError):
            async with run:
                raise TimeoutError("no answer")
    assert await flush(recorder)
    row, _ = await db.fetch(RUN)
    expected = {
        **FACTS,
        "name": "scout",
        "slug": "shop",
        "version": "1.2",
        "external_id": run.key["externalId"],
        "parent_external_id": outer.key["externalId"],
        "status": 5,
        "time_to_first_token_ms": 250,
        "error_type": "TimeoutError",
        "error_message": "no answer",
    }
    stored = {name: row[name] for name in expected}
    for name in ("models", "tools", "metadata"):
        stored[name] = json.loads(stored[name])
    assert stored == expected
    assert recorder.counts.rejected == 0


async def test_a_run_is_updated_from_running_to_its_end(url: str, db: Database, new_recorder: NewRecorder) -> None:
    recorder = new_recorder(url, announce=True)
    async with recorder.run("scout"):
        assert await flush(recorder)
        assert [row["status"] for row in await db.fetch(RUN)] == [1]
    assert await flush(recorder)
    (row,) = await db.fetch(RUN)
    assert row["status"] == 2
    assert row["ended_at"] >= row["started_at"]
    assert row["duration_ms"] == round((row["ended_at"] - row["started_at"]) / timedelta(milliseconds=1))


async def test_a_run_has_ended_though_its_start_may_arrive_at_the_same_time(
    url: str, db: Database, new_recorder: NewRecorder
) -> None:
    recorder = new_recorder(url, announce=True, batch_size=1)
    for number in range(100):
        async with recorder.run("scout", input_tokens=number):
            pass
    assert await flush(recorder)
    rows = await db.fetch(RUN)
    assert sorted((row["input_tokens"], row["status"]) for row in rows) == [(number, 2) for number in range(100)]
    assert recorder.counts.delivered == 200


async def test_what_the_api_finds_fault_with_is_rejected_by_itself(
    url: str, db: Database, new_recorder: NewRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = new_recorder(url)
    for agent in ("scout", "", "reader"):
        async with recorder.run(agent):
            pass
    assert await flush(recorder)
    assert [row["name"] for row in await db.fetch(RUN)] == ["scout", "reader"]
    assert (recorder.counts.delivered, recorder.counts.rejected) == (2, 1)
    assert "agent: must not be empty." in caplog.text


async def test_a_key_that_may_record_is_enough(
    url: str, db: Database, authenticator: Authenticator, new_recorder: NewRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    authenticator.is_open = False
    _, key = await create_key(db, role=Role.INGEST)
    without, with_key = new_recorder(url), new_recorder(url, key=key)
    for recorder in (without, with_key):
        with recorder.run("scout"):
            pass
        assert await flush(recorder)
    assert (without.counts.lost, with_key.counts.delivered) == (1, 1)
    assert "HTTP 401" in caplog.text
