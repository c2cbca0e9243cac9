"""Agents, versions and projects read back, in a fixed number of statements."""

from typing import Any

import pytest

from formicary.resolvers.page import Cursor

from .conftest import Ask

LIST = """query ($filter: AgentFilter, $orderBy: AgentOrder) {
    agents(filter: $filter, orderBy: $orderBy) { nodes { name } totalCount }
}"""

DEEP = """{
    agents(first: 50) {
        nodes {
            name status project { slug } lastError { message run { externalId } }
            latestVersion { version lastSeenAt isActive }
            versions(first: 3) { nodes { version } totalCount }
            runs(first: 5) { nodes { externalId version { version } agent { name } error { message } } }
        }
    }
}"""


async def names(ask: Ask, **variables: object) -> list[str]:
    return [agent["name"] for agent in (await ask(LIST, **variables))["agents"]["nodes"]]


async def test_an_agent_stands_as_its_runs_say(ask: Ask, record: Ask) -> None:
    await record(
        {"status": "SUCCEEDED", "startedAt": "2026-11-01T00:00:00Z", "pheromoneScore": 0.8},
        *(
            {"status": "FAILED", "startedAt": f"2026-11-01T0{hour}:00:00Z", "errorMessage": f"no {hour}"}
            for hour in (1, 2, 3)
        ),
    )
    agent = (
        await ask(
            """{ agent(name: "planner") {
            name displayName status pheromoneScore consecutiveFailures lastActiveAt uptimeSeconds focusType
            project { slug } lastError { message at } } }"""
        )
    )["agent"]
    assert agent == {
        "name": "planner",
        "displayName": "planner",
        "status": "ERROR",
        "pheromoneScore": 0.8,
        "consecutiveFailures": 3,
        "lastActiveAt": "2026-11-01T03:00:00Z",
        "uptimeSeconds": 0,
        "focusType": None,
        "project": {"slug": "default"},
        "lastError": {"message": "no 3", "at": "2026-11-01T03:00:00Z"},
    }


@pytest.mark.parametrize(
    ("run", "status"),
    [
        ({"status": "SUCCEEDED"}, "IDLE"),
        ({"status": "RUNNING"}, "BUSY"),
        ({"status": "QUEUED"}, "IDLE"),
        ({"status": "RUNNING", "startedAt": "2026-10-01T00:00:00Z"}, "IDLE"),
    ],
)
async def test_an_agent_is_busy_while_a_run_of_it_runs(run: dict[str, Any], status: str, ask: Ask, record: Ask) -> None:
    await record(run)
    assert (await ask('{ agent(name: "planner") { status } }'))["agent"] == {"status": status}


async def test_an_agent_that_never_ran_has_nulls_and_the_first_score(ask: Ask) -> None:
    await ask('mutation { registerAgent(input: {name: "new"}) { __typename } }')
    agent = (
        await ask(
            '{ agent(name: "new") { status pheromoneScore lastActiveAt lastError { message } latestVersion { id } } }'
        )
    )["agent"]
    assert agent == {
        "status": "IDLE",
        "pheromoneScore": 0.5,
        "lastActiveAt": None,
        "lastError": None,
        "latestVersion": None,
    }


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        (None, ["a_b", "axb", "shopper"]),
        ({"project": "shop"}, ["shopper"]),
        ({"project": "none"}, []),
        ({"name": ["axb", "nobody"]}, ["axb"]),
        ({"search": "a_"}, ["a_b"]),
        ({"search": "SHOP"}, ["shopper"]),
        ({"search": "100%"}, []),
        ({"status": ["ERROR", "BUSY"]}, ["axb"]),
        ({"status": []}, []),
        ({"focusType": ["selling"]}, ["shopper"]),
    ],
    ids=str,
)
async def test_agents_can_be_filtered(filter_: dict[str, Any] | None, found: list[str], ask: Ask, record: Ask) -> None:
    await record({"agent": "a_b"}, {"agent": "axb", "status": "RUNNING"}, {"agent": "shopper", "project": "shop"})
    await ask(
        'mutation { registerAgent(input: {name: "shopper", project: "shop", focusType: "selling"}) { __typename } }'
    )
    assert (await ask(LIST, filter=filter_))["agents"] == {
        "nodes": [{"name": name} for name in found],
        "totalCount": len(found),
    }


@pytest.mark.parametrize(
    ("field", "ascending"),
    [("NAME", "abc"), ("PHEROMONE_SCORE", "cab"), ("LAST_ACTIVE", "bca"), ("CREATED", "bac")],
)
async def test_agents_can_be_sorted_both_ways(field: str, ascending: str, ask: Ask, record: Ask) -> None:
    await ask('mutation { registerAgent(input: {name: "b"}) { __typename } }')
    await record({"agent": "a", "startedAt": "2026-11-03T00:00:00Z", "pheromoneScore": 0.4})
    await record({"agent": "c", "startedAt": "2026-11-02T00:00:00Z", "pheromoneScore": 0.3})
    assert await names(ask, orderBy={"field": field}) == list(ascending)
    assert await names(ask, orderBy={"field": field, "direction": "DESC"}) == list(reversed(ascending))


@pytest.mark.parametrize("field", ["NAME", "PHEROMONE_SCORE", "LAST_ACTIVE", "CREATED"])
async def test_pages_of_agents_hold_each_once(field: str, ask: Ask, record: Ask) -> None:
    await record(*({"agent": f"agent-{n}"} for n in range(5)))
    query = """query ($after: String, $orderBy: AgentOrder) {
        agents(first: 2, after: $after, orderBy: $orderBy) { nodes { name } pageInfo { endCursor hasNextPage } } }"""
    found, cursor = [], None
    while True:
        page = (await ask(query, after=cursor, orderBy={"field": field}))["agents"]
        found += [agent["name"] for agent in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            break
        cursor = page["pageInfo"]["endCursor"]
    assert found == await names(ask, orderBy={"field": field})


@pytest.mark.parametrize(
    ("order", "value", "listing"),
    [
        ("CREATED ASC", "0001-01-01T00:00:00+14:00", "orderBy: {field: CREATED}"),
        ("LAST_ACTIVE ASC", "9999-12-31T23:59:59-14:00", "orderBy: {field: LAST_ACTIVE}"),
        ("NAME ASC", "nul\0", ""),
    ],
)
async def test_a_cursor_that_no_list_gave_is_refused(order: str, value: str, listing: str, answer: Ask) -> None:
    result = await answer(f'{{ agents({listing} after: "{Cursor(order, value, 1)}") {{ nodes {{ id }} }} }}')
    assert result.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_cursor_of_versions_that_no_list_gave_is_refused(answer: Ask, record: Ask) -> None:
    await record({})
    after = Cursor("REGISTERED DESC", "99999999999999999999", 1)
    result = await answer(f'{{ agent(name: "planner") {{ versions(after: "{after}") {{ nodes {{ id }} }} }} }}')
    assert result.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_versions_come_newest_first_and_one_by_name(ask: Ask, record: Ask) -> None:
    for version in ("1.0", "1.1", "1.2"):
        await record({"version": version, "startedAt": "2026-11-01T00:00:00Z"})
    agent = (
        await ask(
            """{ agent(name: "planner") {
            latestVersion { version } version(version: "1.1") { version runs { totalCount } }
            missing: version(version: "9") { id }
            versions(first: 2) { nodes { version agent { name } } totalCount pageInfo { hasNextPage } } } }"""
        )
    )["agent"]
    assert agent == {
        "latestVersion": {"version": "1.2"},
        "version": {"version": "1.1", "runs": {"totalCount": 1}},
        "missing": None,
        "versions": {
            "nodes": [
                {"version": "1.2", "agent": {"name": "planner"}},
                {"version": "1.1", "agent": {"name": "planner"}},
            ],
            "totalCount": 3,
            "pageInfo": {"hasNextPage": True},
        },
    }


async def test_the_runs_of_an_agent_and_of_a_version_are_theirs_alone(ask: Ask, record: Ask) -> None:
    await record(
        {"externalId": "1", "version": "a", "startedAt": "2026-11-01T00:00:00Z"},
        {"externalId": "2", "version": "b", "startedAt": "2026-11-02T00:00:00Z", "status": "FAILED"},
        {"externalId": "3", "agent": "other", "version": "a"},
    )
    agent = (
        await ask(
            """{ agent(name: "planner") { runs(last: 1) { nodes { externalId } totalCount pageInfo { hasPreviousPage } }
            failed: runs(filter: {status: [FAILED]}) { nodes { externalId } totalCount }
            version(version: "a") { runs { nodes { externalId } } } } }"""
        )
    )["agent"]
    assert agent == {
        "runs": {"nodes": [{"externalId": "1"}], "totalCount": 2, "pageInfo": {"hasPreviousPage": True}},
        "failed": {"nodes": [{"externalId": "2"}], "totalCount": 1},
        "version": {"runs": {"nodes": [{"externalId": "1"}]}},
    }


async def test_a_list_of_agents_takes_the_same_statements_however_many_there_are(
    ask: Ask, record: Ask, statements: list[str]
) -> None:
    taken = []
    for count in (3, 40):
        await record(
            *(
                {"agent": f"agent-{n}", "version": f"{v}", "externalId": f"{n}-{v}", "status": "FAILED"}
                for n in range(count)
                for v in range(3)
            )
        )
        statements.clear()
        data = await ask(DEEP)
        assert len(data["agents"]["nodes"]) == count
        taken.append(len(statements))
    assert taken[0] == taken[1]
    assert taken[0] <= 9


@pytest.mark.parametrize(
    "query",
    [
        "{ agents(first: 500) { nodes { runs(first: 1) { totalCount } } } }",
        "{ agents { nodes { latestVersion { runs { totalCount } } } } }",
        "{ projects { nodes { agents(first: 1) { nodes { name } totalCount } } } }",
    ],
)
async def test_a_list_is_counted_by_the_same_statements_however_many_there_are(
    query: str, ask: Ask, record: Ask, statements: list[str]
) -> None:
    taken = []
    for count in (3, 40):
        await record(*({"agent": f"agent-{n}", "project": f"project-{n}", "externalId": f"{n}"} for n in range(count)))
        statements.clear()
        await ask(query)
        taken.append(len(statements))
    assert taken[0] == taken[1]


async def test_each_agent_and_version_counts_its_own_runs(ask: Ask, record: Ask) -> None:
    await record({"version": "1"}, {"version": "2"}, {"version": "2", "status": "FAILED"}, {"agent": "other"})
    await ask('mutation { registerAgent(input: {name: "idle"}) { __typename } }')
    query = """{ agents { nodes { name runs { totalCount } failed: runs(filter: {status: [FAILED]}) { totalCount }
        latestVersion { runs { totalCount } } } } }"""
    agents = (await ask(query))["agents"]["nodes"]
    counted = [[agent["name"], agent["runs"]["totalCount"], agent["failed"]["totalCount"]] for agent in agents]
    assert counted == [["idle", 0, 0], ["other", 1, 0], ["planner", 3, 1]]
    assert agents[2]["latestVersion"] == {"runs": {"totalCount": 2}}


async def test_the_agents_of_each_project_have_pages_of_their_own(ask: Ask, record: Ask) -> None:
    await record(*({"agent": name, "project": project} for project in ("p", "q") for name in "abc"))
    query = """query ($after: String) { projects { nodes { slug
        agents(first: 2, after: $after, orderBy: {field: NAME, direction: DESC}) {
            nodes { name } pageInfo { endCursor hasNextPage } } } } }"""
    first = (await ask(query))["projects"]["nodes"][1:]
    assert [[agent["name"] for agent in project["agents"]["nodes"]] for project in first] == [["c", "b"], ["c", "b"]]
    second = (await ask(query, after=first[0]["agents"]["pageInfo"]["endCursor"]))["projects"]["nodes"][1]
    assert [agent["name"] for agent in second["agents"]["nodes"]] == ["a"]


async def test_a_project_has_no_agents_of_another(ask: Ask, record: Ask) -> None:
    await record({"project": "shop"}, {"agent": "writer"})
    data = await ask('{ projects { nodes { slug agents(filter: {project: "shop"}) { nodes { name } totalCount } } } }')
    assert data["projects"]["nodes"] == [
        {"slug": "default", "agents": {"nodes": [], "totalCount": 0}},
        {"slug": "shop", "agents": {"nodes": [{"name": "planner"}], "totalCount": 1}},
    ]


async def test_projects_are_listed_with_their_agents(ask: Ask, record: Ask) -> None:
    await record({"project": "shop"}, {"agent": "seller", "project": "shop"})
    data = await ask("{ projects { nodes { slug name agents(first: 1) { nodes { name } totalCount } } totalCount } }")
    assert data["projects"] == {
        "nodes": [
            {"slug": "default", "name": "Default", "agents": {"nodes": [], "totalCount": 0}},
            {"slug": "shop", "name": "shop", "agents": {"nodes": [{"name": "planner"}], "totalCount": 2}},
        ],
        "totalCount": 2,
    }


async def test_anything_is_found_again_by_its_id(ask: Ask, record: Ask) -> None:
    await record({"externalId": "1"})
    agent = (
        await ask("""{ agent(name: "planner") { id project { id } latestVersion { id } runs { nodes { id } } } }""")
    )["agent"]
    ids = [agent["id"], agent["project"]["id"], agent["latestVersion"]["id"], agent["runs"]["nodes"][0]["id"]]
    found = (await ask("query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=ids))["nodes"]
    assert found == [
        {"__typename": type_name, "id": id_}
        for type_name, id_ in zip(["Agent", "Project", "AgentVersion", "Run"], ids, strict=True)
    ]


@pytest.mark.parametrize("id_", ["", "x", "QWdlbnQ6OTk", "UnVuOjE", "UnVuOjE6OTk5", "Tm90aGluZzox", "QWdlbnQ6LTE", "é"])
async def test_an_id_that_leads_nowhere_gives_null(id_: str, ask: Ask) -> None:
    assert await ask("query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id]) { id } }", id=id_) == {
        "node": None,
        "nodes": [None],
    }


async def test_names_are_sorted_by_code_point_whatever_the_collation(ask: Ask, statements: list[str]) -> None:
    await ask("{ agents { nodes { name } } projects { nodes { slug } } }")
    by_name, by_slug = sorted(sql for sql in statements if "ORDER BY" in sql)[-2:]
    assert 'ORDER BY a.name COLLATE "C" ASC' in by_name
    assert 'ORDER BY p.slug COLLATE "C" ASC' in by_slug
