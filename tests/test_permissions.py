"""What each kind of key sees and changes, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.types import ASGIApp

from formicary.app import create_app
from formicary.auth import Authenticator, create_key, revoke_key
from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role

EVERYTHING = """
query Everything {
  projects { totalCount nodes { id slug agents { totalCount nodes { id } } } }
  agents { totalCount nodes { id name latestVersion { id } versions { nodes { id } } runs { nodes { id } } } }
  runs { totalCount nodes { id } }
}
"""
RECORD = """
mutation Record($input: RecordRunsInput!) {
  recordRuns(input: $input) {
    recorded rejected { problems { path code } } runs { id agent { id project { id } } version { id } }
  }
}
"""


@dataclass
class Api:
    client: httpx2.AsyncClient
    key: str | None = None

    def by(self, key: str | None) -> "Api":
        return Api(self.client, key)

    async def ask(self, query: str, **variables: object) -> "Answer":
        headers = {"accept": "application/graphql-response+json"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        response = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        return Answer(response.status_code, response.json())

    async def record(self, project: str, external_id: str, **fields: object) -> Any:
        run = {"agent": "ant", "project": project, "version": "1", "externalId": external_id, **fields}
        return (await self.ask(RECORD, input={"runs": [run]})).data["recordRuns"]


@dataclass
class Answer:
    status: int
    body: Mapping[str, Any]

    @property
    def data(self) -> Any:
        assert "errors" not in self.body, self.body
        return self.body["data"]

    @property
    def code(self) -> str:
        return str(self.body["errors"][0]["extensions"]["code"])


class _Server(uvicorn.Server):
    """In the test's own event loop, where its pool is."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(uvicorn.Config(app, port=0, log_config=None, access_log=False))
        self.ready = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    server = _Server(app)
    task = asyncio.create_task(server.serve())
    await server.ready.wait()
    host, port = server.servers[0].sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.should_exit = True
    await task


@asynccontextmanager
async def served(db: Database, settings: Settings, *, is_open: bool) -> AsyncIterator[Api]:
    authenticator = Authenticator(db, is_open=is_open)
    app = create_app(settings, database=db, authenticator=authenticator)
    async with serving(app) as url, httpx2.AsyncClient(base_url=url) as client:
        yield Api(client)
    await authenticator.close()


@pytest.fixture
async def api(db: Database, settings: Settings) -> AsyncIterator[Api]:
    async with served(db, settings, is_open=False) as api:
        yield api


@pytest.fixture
async def open_api(db: Database, settings: Settings) -> AsyncIterator[Api]:
    async with served(db, settings, is_open=True) as api:
        yield api


@dataclass
class World:
    """Two projects with one agent, version and run each; `red` and `blue` are the ids of their things."""

    admin: Api
    red: frozenset[str]
    blue: dict[str, str]


def ids(value: Any) -> set[str]:
    """All ids in an answer."""
    if isinstance(value, dict):
        found = {value["id"]} if "id" in value else set()
        return found.union(*map(ids, value.values()))
    return set().union(*map(ids, value)) if isinstance(value, list) else set()


@pytest.fixture
async def world(api: Api, db: Database) -> World:
    _, key = await create_key(db, role=Role.ADMIN)
    admin = api.by(key)
    red = await admin.record("red", "r1")
    (run,) = (await admin.record("blue", "b1"))["runs"]
    blue = {
        "Run": run["id"],
        "Agent": run["agent"]["id"],
        "AgentVersion": run["version"]["id"],
        "Project": run["agent"]["project"]["id"],
    }
    return World(admin, frozenset(ids(red)), blue)


async def bound(api: Api, db: Database, role: Role) -> Api:
    _, key = await create_key(db, role=role, projects=["red"])
    return api.by(key)


async def test_an_open_server_lets_this_machine_do_everything(open_api: Api) -> None:
    assert (await open_api.record("red", "r1"))["recorded"] == 1
    assert (await open_api.ask("{ runs { totalCount } }")).data == {"runs": {"totalCount": 1}}
    assert (await open_api.client.get("/")).status_code == 200


@pytest.mark.parametrize("path", ["/graphql?query={__typename}", "/", "/fragments/agents/agents"])
@pytest.mark.parametrize("header", [{"host": "rebound.example.org"}, {"origin": "https://example.org"}])
async def test_an_open_server_refuses_foreign_pages(open_api: Api, path: str, header: dict[str, str]) -> None:
    assert (await open_api.client.get(path, headers=header)).status_code == 403


async def test_a_page_takes_a_key_that_reads(api: Api, db: Database) -> None:
    statuses = []
    for role in (Role.READ, Role.INGEST):
        _, key = await create_key(db, role=role)
        statuses.append((await api.client.get("/", headers={"authorization": f"Bearer {key}"})).status_code)
    assert [*statuses, (await api.client.get("/")).status_code] == [200, 403, 401]


async def test_a_browser_may_send_the_key_as_a_password(api: Api, db: Database) -> None:
    _, key = await create_key(db, role=Role.READ)
    statuses = [(await api.client.get("/", auth=("anybody", password))).status_code for password in (key, "wrong")]
    assert statuses == [200, 401]


async def test_no_key_is_401_with_how_to_send_one(api: Api) -> None:
    answer = await api.ask("{ __typename }")
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")


async def test_a_revoked_key_is_401(api: Api, db: Database) -> None:
    key, plain = await create_key(db, role=Role.ADMIN)
    await revoke_key(db, key.prefix)
    answer = await api.by(plain).ask("{ __typename }")
    assert (answer.status, answer.code) == (401, "UNAUTHENTICATED")


async def test_an_ingest_key_reads_back_what_it_recorded(api: Api, db: Database) -> None:
    _, key = await create_key(db, role=Role.INGEST)
    recorded = await api.by(key).record("red", "r1")
    assert recorded["recorded"] == len(recorded["runs"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "{ runs { totalCount } }",
        "{ agents { nodes { name } } }",
        '{ node(id: "x") { id } }',
        "{ modelPrices { model } }",
        'mutation { recordRuns(input: {runs: [{agent: "a"}]}) { runs { agent { runs { totalCount } } } } }',
        'mutation { updateAgent(input: {agentId: "x", disabled: true}) { __typename } }',
    ],
)
async def test_an_ingest_key_reads_nothing_else(api: Api, db: Database, query: str) -> None:
    _, key = await create_key(db, role=Role.INGEST)
    answer = await api.by(key).ask(query)
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert await db.fetchval("SELECT count(*) FROM agent") == 0


@pytest.mark.parametrize(
    "mutation",
    [
        'registerAgent(input: {name: "a"}) { __typename }',
        'registerVersion(input: {agent: "a", version: "1"}) { __typename }',
        'recordRuns(input: {runs: [{agent: "a"}]}) { recorded }',
        'updateAgent(input: {agentId: "x", disabled: true}) { __typename }',
        'setModelPrice(input: {model: "m", inputPerMillion: "1", outputPerMillion: "1"}) { __typename }',
    ],
)
async def test_a_read_key_changes_nothing(api: Api, db: Database, mutation: str) -> None:
    _, key = await create_key(db, role=Role.READ)
    answer = await api.by(key).ask(f"mutation {{ {mutation} }}")
    assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert await db.fetchval("SELECT count(*) FROM agent") == 0


async def test_a_bound_key_lists_its_own_project_alone(api: Api, db: Database, world: World) -> None:
    seen = (await (await bound(api, db, Role.READ)).ask(EVERYTHING)).data
    assert ids(seen) == world.red
    assert [seen[name]["totalCount"] for name in ("projects", "agents", "runs")] == [1, 1, 1]


@pytest.mark.parametrize("kind", ["Project", "Agent", "AgentVersion", "Run"])
async def test_a_bound_key_finds_no_foreign_node(api: Api, db: Database, world: World, kind: str) -> None:
    query = "query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }"
    key = await bound(api, db, Role.ADMIN)
    assert (await key.ask(query, id=world.blue[kind])).data == {"node": None, "nodes": [None]}
    assert (await world.admin.ask(query, id=world.blue[kind])).data["node"] == {"id": world.blue[kind]}


async def test_a_bound_key_finds_no_foreign_agent_by_name(api: Api, db: Database, world: World) -> None:
    key = await bound(api, db, Role.READ)
    assert (await key.ask('{ agent(name: "ant", project: "blue") { id } }')).data == {"agent": None}


@pytest.mark.parametrize("field", ["project", "agentId", "externalId"])
async def test_no_filter_gives_a_bound_key_foreign_runs(api: Api, db: Database, world: World, field: str) -> None:
    where: object = {"project": "blue", "agentId": [world.blue["Agent"]], "externalId": ["b1"]}[field]
    query = "query ($filter: RunFilter) { runs(filter: $filter) { totalCount nodes { id } } }"
    key = await bound(api, db, Role.READ)
    assert (await key.ask(query, filter={field: where})).data["runs"] == {"totalCount": 0, "nodes": []}


async def test_a_bound_key_records_nothing_elsewhere(api: Api, db: Database, world: World) -> None:
    key = await bound(api, db, Role.INGEST)
    for project in ("blue", "new"):
        recorded = await key.record(project, "b1", status="FAILED")
        assert recorded["recorded"] == 0
        assert recorded["rejected"][0]["problems"][0]["code"] == "FORBIDDEN"
    assert await db.fetch("SELECT slug FROM project WHERE slug = 'new'") == []


async def test_a_bound_key_names_no_foreign_parent(api: Api, db: Database, world: World) -> None:
    parent = {"agent": "ant", "externalId": "b1", "project": "blue"}
    recorded = await (await bound(api, db, Role.INGEST)).record("red", "r2", parent=parent)
    assert recorded["rejected"][0]["problems"][0]["code"] == "FORBIDDEN"


async def test_a_bound_key_does_not_see_a_foreign_parent(api: Api, db: Database, world: World) -> None:
    await world.admin.record("red", "r2", parent={"agent": "ant", "externalId": "b1", "project": "blue"})
    query = '{ runs(filter: {externalId: ["r2"]}) { nodes { parent { id } } } }'
    assert (await (await bound(api, db, Role.READ)).ask(query)).data["runs"]["nodes"] == [{"parent": None}]
    assert (await world.admin.ask(query)).data["runs"]["nodes"] == [{"parent": {"id": world.blue["Run"]}}]


@pytest.mark.parametrize("project", ["blue", "new"])
@pytest.mark.parametrize(
    "mutation",
    [
        'registerAgent(input: {name: "bee", project: "%s"}) { __typename }',
        'registerAgent(input: {name: "ant", project: "%s", displayName: "Mine"}) { __typename }',
        'registerVersion(input: {agent: "ant", project: "%s", version: "1", cluster: "mine"}) { __typename }',
    ],
)
async def test_a_bound_key_registers_nothing_elsewhere(
    api: Api, db: Database, world: World, mutation: str, project: str
) -> None:
    before = (await world.admin.ask(EVERYTHING)).data
    answer = await (await bound(api, db, Role.ADMIN)).ask(f"mutation {{ {mutation % project} }}")
    assert answer.code == "FORBIDDEN"
    assert (await world.admin.ask(EVERYTHING)).data == before


async def test_a_bound_key_changes_no_foreign_agent(api: Api, db: Database, world: World) -> None:
    mutation = "mutation ($id: ID!) { updateAgent(input: {agentId: $id, disabled: true}) { __typename } }"
    key = await bound(api, db, Role.ADMIN)
    answer = await key.ask(mutation, id=world.blue["Agent"])
    assert "UpdateAgentPayload" not in str(answer.body)
    assert await db.fetchval("SELECT count(*) FROM agent WHERE disabled") == 0


async def test_a_bound_key_sets_no_price_since_prices_hold_for_all(api: Api, db: Database, world: World) -> None:
    price = '{model: "m", inputPerMillion: "1", outputPerMillion: "1"}'
    answer = await (await bound(api, db, Role.ADMIN)).ask(
        f"mutation {{ setModelPrice(input: {price}) {{ __typename }} }}"
    )
    assert (answer.status, answer.code) == (403, "FORBIDDEN")


async def test_a_bound_key_does_its_work_at_home(api: Api, db: Database, world: World) -> None:
    key = await bound(api, db, Role.ADMIN)
    assert (await key.record("red", "r2"))["recorded"] == 1
    registered = await key.ask('mutation { registerAgent(input: {name: "bee", project: "red"}) { __typename } }')
    assert registered.data == {"registerAgent": {"__typename": "RegisterAgentPayload"}}
