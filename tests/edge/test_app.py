"""The whole server: the real schema behind the real edge, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

import formicary_migrations
from formicary.app import create_app
from formicary.auth import Authenticator, create_key
from formicary.config import Settings
from formicary.db import Database
from formicary.embedded import EmbeddedPostgres
from formicary.models.api_key import Role

from .serving import listening

RECORD = """
mutation ($input: RecordRunsInput!) {
  recordRuns(input: $input) { received recorded rejected { index } runs { id externalId } }
}
"""
READ = "query ($id: ID!) { node(id: $id) { ... on Run { id externalId status agent { name } } } }"


@pytest.fixture
async def authenticator(db: Database) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(db, is_open=True)
    yield authenticator
    await authenticator.close()


@pytest.fixture
async def client(settings: Settings, db: Database, authenticator: Authenticator) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(settings, database=db, authenticator=authenticator)
    async with listening(app) as url, httpx2.AsyncClient(base_url=url) as client:
        yield client


async def ask(client: httpx2.AsyncClient, query: str, **variables: Any) -> httpx2.Response:
    return await client.post("/graphql", json={"query": query, "variables": variables})


async def test_a_run_is_recorded_and_read_back(client: httpx2.AsyncClient) -> None:
    answer = (await ask(client, RECORD, input={"runs": [{"agent": "scout", "externalId": "a"}]})).json()
    recorded = answer["data"]["recordRuns"]
    assert (recorded["received"], recorded["recorded"], recorded["rejected"]) == (1, 1, [])
    (run,) = recorded["runs"]
    node = (await ask(client, READ, id=run["id"])).json()["data"]["node"]
    assert node == {"id": run["id"], "externalId": "a", "status": "SUCCEEDED", "agent": {"name": "scout"}}


async def test_an_unknown_status_names_its_place_and_records_nothing(client: httpx2.AsyncClient, db: Database) -> None:
    runs = [{"agent": "scout"}, {"agent": "scout", "status": "DONE"}]
    (error,) = (await ask(client, RECORD, input={"runs": runs})).json()["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "input.runs[1].status" in error["message"]
    assert await db.fetchval("SELECT count(*) FROM run") == 0


async def test_an_open_server_refuses_pages_of_other_origins(client: httpx2.AsyncClient) -> None:
    headers = {"origin": "https://elsewhere.example"}
    response = await client.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
    assert response.status_code == 403
    assert (await client.get("/", headers=headers)).status_code == 403


async def test_a_closed_server_wants_a_key_that_may(
    client: httpx2.AsyncClient, db: Database, authenticator: Authenticator
) -> None:
    authenticator.is_open = False
    assert (await ask(client, "{ agents { totalCount } }")).status_code == 401
    _, key = await create_key(db, role=Role.INGEST)
    client.headers["authorization"] = f"Bearer {key}"
    refused = await ask(client, "{ agents { totalCount } }")
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await ask(client, RECORD, input={"runs": []})).status_code == 200


async def test_graphiql_finds_the_whole_schema(client: httpx2.AsyncClient) -> None:
    answer = await ask(client, "{ __schema { queryType { fields { name } } } }")
    names = {field["name"] for field in answer.json()["data"]["__schema"]["queryType"]["fields"]}
    assert {"node", "agents", "runs"} <= names


async def test_the_overview_is_at_the_root_and_what_is_not_there_is_a_page(client: httpx2.AsyncClient) -> None:
    html = {"accept": "text/html"}
    assert (await client.get("/", headers=html)).status_code == 200
    missing = await client.get("/nowhere", headers=html)
    assert missing.status_code == 404
    assert "<html" in missing.text


async def test_a_database_that_is_away_is_told_and_comes_back(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    server = EmbeddedPostgres(tmp_path, fsync=False)
    await asyncio.to_thread(server.start)
    await formicary_migrations.upgrade(server.dsn)
    db = await Database.open(server.dsn, settings)
    app = create_app(settings, database=db, authenticator=Authenticator(db, is_open=True))
    async with listening(app) as url, httpx2.AsyncClient(base_url=url) as client:
        assert (await client.get("/readyz")).json()["database"] == "ok"
        await asyncio.to_thread(server.stop)
        away = await client.get("/readyz")
        assert (away.status_code, away.json()["status"]) == (503, "unavailable")
        graphql = await ask(client, "{ agents { totalCount } }")
        assert (graphql.status_code, graphql.headers["retry-after"]) == (503, "1")
        assert graphql.json()["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        assert (await client.get("/", headers={"accept": "text/html"})).status_code == 503
        assert (await client.get("/healthz")).status_code == 200
        await asyncio.to_thread(server.start)
        assert (await client.get("/readyz")).status_code == 200
    await db.close()
    await asyncio.to_thread(server.stop)
