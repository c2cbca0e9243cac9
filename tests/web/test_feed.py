"""The live feed over HTTP: what is sent, to whom, and when it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware

from formicary.app import create_app
from formicary.auth import Authenticator, create_key, revoke_key
from formicary.auth.remembered import TTL
from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role
from formicary_web import feed
from formicary_web.feed import Pace
from formicary_web.routes import routes

from .conftest import served
from .logging_in import Clock

FAST = Pace(ask=0.02, beat=0.05, look=0.02)
RECORD = "mutation ($input: RecordRunsInput!) { recordRuns(input: $input) { recorded } }"


class Server:
    """The pages with a feed in a hurry, and the API beside them."""

    def __init__(self, db: Database, settings: Settings, *, is_open: bool = True) -> None:
        self.clock = Clock()
        self.authenticator = Authenticator(db, is_open=is_open, clock=self.clock)
        self.stopping = asyncio.Event()
        self.pages = Starlette(
            routes=routes(
                database=db, settings=settings, authenticator=self.authenticator, stopping=self.stopping, pace=FAST
            ),
            middleware=[Middleware(GZipMiddleware)],
        )
        self.api = create_app(settings, database=db, authenticator=self.authenticator)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (self.api if scope["path"] == "/graphql" else self.pages)(scope, receive, send)


@asynccontextmanager
async def following(client: httpx2.AsyncClient, path: str = "/feed", **headers: str) -> AsyncIterator["Events"]:
    async with client.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        yield Events(response)


class Events:
    def __init__(self, response: httpx2.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self, *names: str) -> tuple[str, str]:
        """The next event, or the next with one of these names; its name is empty where the stream has ended."""
        async with asyncio.timeout(10):
            name, data = "", []
            async for line in self._lines:
                field, _, value = line.partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data.append(value)
                elif not line:
                    if not names or name in names:
                        return name, "\n".join(data)
                    name, data = "", []
        return "", ""


async def record(client: httpx2.AsyncClient, *names: str, **fields: object) -> None:
    runs = [{"agent": name, "externalId": name, **fields} for name in names]
    answer = await client.post("/graphql", json={"query": RECORD, "variables": {"input": {"runs": runs}}})
    assert answer.json()["data"]["recordRuns"]


@pytest.fixture
def server(db: Database, settings: Settings) -> Server:
    return Server(db, settings)


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx2.AsyncClient]:
    async with served(server) as url, httpx2.AsyncClient(base_url=url) as client:
        yield client


async def test_listener_is_sent_what_is_there_and_then_what_comes(client: httpx2.AsyncClient) -> None:
    await record(client, "first", status="SUCCEEDED")
    async with following(client) as events:
        assert "<strong>first</strong> completed" in (await events.next("run"))[1]
        await record(client, "second", status="RUNNING")
        assert "<strong>second</strong> started" in (await events.next("run"))[1]


async def test_run_that_changes_is_sent_again_under_its_id(client: httpx2.AsyncClient) -> None:
    await record(client, "one", status="RUNNING")
    async with following(client) as events:
        _, running = await events.next("run")
        await record(client, "one", status="FAILED", errorType="ToolError")
        _, failed = await events.next("run")
    assert "ToolError" in failed
    assert running.splitlines()[0] == failed.splitlines()[0]


async def test_second_listener_is_sent_what_the_first_was(client: httpx2.AsyncClient) -> None:
    await record(client, "one", status="SUCCEEDED")
    async with following(client) as first, following(client) as second:
        assert (await first.next("run"))[1] == (await second.next("run"))[1]


async def test_database_is_asked_once_for_all_and_not_at_all_for_nobody(
    client: httpx2.AsyncClient, statements: list[str]
) -> None:
    async with following(client) as first, following(client) as second, following(client) as third:
        for events in (first, second, third):
            await events.next("beat")
        statements.clear()
        for _ in range(3):
            await first.next("beat")
        asked = len(statements)
    assert 2 <= asked <= 12  # 0.15 s at 0.02 s each; it would be thrice as many
    asking = [task for task in asyncio.all_tasks() if "_keep_asking" in repr(task)]
    if asking:
        _, still = await asyncio.wait(asking, timeout=10)
        assert not still


async def test_listener_of_a_project_hears_of_no_other(client: httpx2.AsyncClient) -> None:
    await record(client, "red ant", project="red", status="SUCCEEDED")
    async with following(client, "/feed?project=red") as events:
        await events.next("run")
        await record(client, "blue ant", project="blue", status="SUCCEEDED")
        await record(client, "other red ant", project="red", status="SUCCEEDED")
        assert "other red ant" in (await events.next("run"))[1]


async def test_bound_key_hears_of_its_project_alone(db: Database, settings: Settings) -> None:
    server = Server(db, settings)
    async with served(server) as url, httpx2.AsyncClient(base_url=url) as client:
        await record(client, "blue ant", project="blue", status="SUCCEEDED")
        await record(client, "red ant", project="red", status="SUCCEEDED")
        _, key = await create_key(db, role=Role.READ, projects=["red"])
        async with following(client, authorization=f"Bearer {key}") as events:
            assert "red ant" in (await events.next("run"))[1]
            assert (await events.next())[0] == "beat"
    await server.authenticator.close()


async def test_feed_is_not_held_back_by_compression(client: httpx2.AsyncClient) -> None:
    async with following(client, **{"accept-encoding": "gzip"}) as events:
        assert "content-encoding" not in events.response.headers
        assert events.response.headers["content-type"].startswith("text/event-stream")
        assert events.response.headers["cache-control"] == "no-store"
        assert (await events.next())[0] == "beat"


async def test_feed_ends_when_the_server_stops(client: httpx2.AsyncClient, server: Server) -> None:
    async with following(client) as events:
        await events.next("beat")
        server.stopping.set()
        assert (await events.next("end"))[0] == ""


async def test_feed_ends_when_its_key_is_revoked(db: Database, settings: Settings) -> None:
    server = Server(db, settings, is_open=False)
    async with served(server) as url, httpx2.AsyncClient(base_url=url) as client:
        _, key = await create_key(db, role=Role.READ)
        async with following(client, authorization=f"Bearer {key}") as events:
            await events.next("beat")
            await revoke_key(db, key)
            server.clock.now += TTL
            assert (await events.next("end"))[0] == "end"
            assert (await events.next())[0] == ""
        assert (await client.get("/feed")).status_code == 401
    await server.authenticator.close()


async def test_number_of_listeners_is_limited(client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_LISTENERS", 1)
    async with following(client) as events:
        await events.next("beat")
        refused = await client.get("/feed")
    assert refused.status_code == 503
    assert "retry-after" in refused.headers


async def test_feed_goes_on_after_the_database_failed_for_a_while(client: httpx2.AsyncClient, db: Database) -> None:
    async with following(client) as events:
        await db.execute("ALTER TABLE agent_state RENAME TO away")
        await events.next("beat")
        await db.execute("ALTER TABLE away RENAME TO agent_state")
        await record(client, "one", status="SUCCEEDED")
        assert "one" in (await events.next("run"))[1]


async def test_names_are_text(client: httpx2.AsyncClient) -> None:
    await record(client, "<img src=x onerror=alert(1)>\r\nevent: end", status="SUCCEEDED")
    async with following(client) as events:
        _, row = await events.next("run")
    assert "&lt;img" in row
    assert "<img" not in row


async def test_listeners_that_are_cut_off_together_all_come_to_an_end(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_WAITING", 0)
    async with following(client) as first, following(client) as second:
        for events in (first, second):
            await events.next("beat")
        await record(client, "one", status="SUCCEEDED")
        for events in (first, second):
            assert (await events.next("end"))[0] == ""


async def test_whoever_asks_for_the_headers_alone_does_not_listen(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MOST_LISTENERS", 1)
    async with client.stream("HEAD", "/feed") as head:
        assert head.headers["content-type"].startswith("text/event-stream")
        async with following(client) as events:
            assert (await events.next())[0] == "beat"
