"""Agents by figures of all time, which find the best and the worst; and the versions of all agents."""

from typing import Any

import pytest

from formicary.db import Database
from formicary.resolvers.page import Cursor
from formicary.rollups.fold import fold

from .conftest import Ask

LIST = """query ($orderBy: AgentOrder, $first: Int, $after: String) {
    agents(orderBy: $orderBy, first: $first, after: $after) {
        nodes { name } pageInfo { endCursor hasNextPage }
    }
}"""

PROJECTS = """query ($orderBy: AgentOrder) { projects { nodes {
    agents(orderBy: $orderBy, first: 2) { nodes { name } pageInfo { endCursor } } } } }"""

VERSIONS = """query ($filter: AgentFilter, $first: Int, $after: String) {
    agentVersions(filter: $filter, first: $first, after: $after) {
        nodes { version agent { name } lifetime { runs } } totalCount pageInfo { endCursor hasNextPage }
    }
}"""


def runs(agent: str, succeeded: int, failed: int, cost: str, **more: object) -> list[dict[str, object]]:
    one = {"agent": agent, "cost": cost, "startedAt": "2026-11-02T00:00:00Z", **more}
    return [{**one, "status": "SUCCEEDED"}] * succeeded + [{**one, "status": "FAILED"}] * failed


@pytest.fixture
async def agents(ask: Ask, record: Ask, db: Database) -> None:
    await record(
        *runs("bad", 2, 6, "0.01"),
        *runs("good", 9, 0, "0.1"),
        *runs("mixed", 2, 1, "7", version="2"),
        {"agent": "cancelled", "status": "CANCELLED", "cost": "0.5"},
    )
    await ask('mutation { registerAgent(input: {name: "idle"}) { __typename } }')
    await fold(db)


async def names(ask: Ask, field: str, direction: str) -> list[str]:
    data = await ask(LIST, orderBy={"field": field, "direction": direction})
    return [agent["name"] for agent in data["agents"]["nodes"]]


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize(
    ("field", "ascending"),
    [
        ("RUNS", ["idle", "cancelled", "mixed", "bad", "good"]),
        ("ERROR_RATE", ["cancelled", "idle", "good", "mixed", "bad"]),
        ("COST", ["idle", "bad", "cancelled", "good", "mixed"]),
    ],
)
async def test_agents_can_be_sorted_by_figures(field: str, ascending: list[str], ask: Ask) -> None:
    assert await names(ask, field, "ASC") == ascending
    assert await names(ask, field, "DESC") == ascending[::-1]


@pytest.mark.usefixtures("agents")
@pytest.mark.parametrize("field", ["RUNS", "ERROR_RATE", "COST"])
async def test_pages_by_a_figure_hold_each_agent_once(field: str, ask: Ask) -> None:
    order = {"field": field, "direction": "DESC"}
    found: list[str] = []
    page: Any = {"endCursor": None, "hasNextPage": True}
    while page["hasNextPage"]:
        data = (await ask(LIST, orderBy=order, first=1, after=page["endCursor"]))["agents"]
        found += [agent["name"] for agent in data["nodes"]]
        page = data["pageInfo"]
    assert found == await names(ask, field, "DESC")


@pytest.mark.usefixtures("agents")
async def test_the_agents_of_projects_can_be_sorted_by_figures(ask: Ask, record: Ask, db: Database) -> None:
    await record(*runs("seller", 1, 1, "1", project="shop"), *runs("buyer", 0, 1, "1", project="shop"))
    await fold(db)
    data = await ask(PROJECTS, orderBy={"field": "ERROR_RATE", "direction": "DESC"})
    assert [[agent["name"] for agent in node["agents"]["nodes"]] for node in data["projects"]["nodes"]] == [
        ["bad", "mixed"],
        ["buyer", "seller"],
    ]


@pytest.mark.usefixtures("agents")
async def test_agents_with_issues_come_with_their_figures_in_two_statements(ask: Ask, statements: list[str]) -> None:
    statements.clear()
    data = await ask(
        """{ agents(first: 2, orderBy: {field: ERROR_RATE, direction: DESC}) {
            nodes { name lifetime { errorRate failed } } } }"""
    )
    assert data["agents"]["nodes"] == [
        {"name": "bad", "lifetime": {"errorRate": 0.75, "failed": 6}},
        {"name": "mixed", "lifetime": {"errorRate": 1 / 3, "failed": 1}},
    ]
    assert len(statements) == 2


@pytest.mark.parametrize("value", ["NaN", "1e999999", "x", ""])
async def test_a_cursor_that_no_list_gave_is_refused(value: str, answer: Ask) -> None:
    after = str(Cursor("COST ASC", value, 1))
    assert (await answer(LIST, orderBy={"field": "COST"}, after=after)).codes == {"BAD_USER_INPUT"}


async def versions(ask: Ask, **variables: object) -> list[tuple[str, str]]:
    nodes = (await ask(VERSIONS, **variables))["agentVersions"]["nodes"]
    return [(node["agent"]["name"], node["version"]) for node in nodes]


async def test_versions_of_all_agents_come_the_newest_first(ask: Ask, record: Ask, statements: list[str]) -> None:
    for agent, version in (("a", "1"), ("b", "1"), ("a", "2"), ("c", "7")):
        await record({"agent": agent, "version": version, "project": "shop" if agent == "c" else "default"})
    newest_first = [("c", "7"), ("a", "2"), ("b", "1"), ("a", "1")]
    statements.clear()
    assert await versions(ask) == newest_first
    assert len(statements) == 4  # versions, how many, their agents, their figures
    page = (await ask(VERSIONS, first=3))["agentVersions"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (4, True)
    assert await versions(ask, after=page["pageInfo"]["endCursor"]) == newest_first[3:]


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ({"name": ["a"]}, ["2", "1"]),
        ({"project": "shop"}, ["7"]),
        ({"status": ["BUSY"]}, ["7"]),
        ({"search": "nothing"}, []),
    ],
    ids=str,
)
async def test_versions_can_be_narrowed_by_their_agents(
    filter_: dict[str, object], found: list[str], ask: Ask, record: Ask
) -> None:
    await record({"agent": "a", "version": "1"})
    await record({"agent": "a", "version": "2"}, {"agent": "c", "version": "7", "project": "shop", "status": "RUNNING"})
    assert [version for _, version in await versions(ask, filter=filter_)] == found
    assert (await ask(VERSIONS, filter=filter_))["agentVersions"]["totalCount"] == len(found)


async def test_versions_of_other_projects_are_not_seen(ask: Ask, record: Ask, db: Database) -> None:
    await record({"version": "1"}, {"agent": "seller", "version": "9", "project": "shop"})
    shop = await db.fetchval("SELECT id FROM project WHERE slug = 'shop'")
    data = (await ask(VERSIONS, frozenset({shop})))["agentVersions"]
    assert ([node["version"] for node in data["nodes"]], data["totalCount"]) == (["9"], 1)
