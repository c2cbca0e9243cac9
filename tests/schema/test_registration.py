"""Registering again gives the same thing; what is wrong is data, not an error."""

from typing import Any

import pytest

from .conftest import Ask

AGENT = """mutation ($input: RegisterAgentInput!) { registerAgent(input: $input) {
    ... on RegisterAgentPayload { created agent { id name displayName focusType project { slug } } }
    ... on InvalidInput { message problems { path code } } } }"""
VERSION = """mutation ($input: RegisterVersionInput!) { registerVersion(input: $input) {
    ... on RegisterVersionPayload { created version { id version cluster deployment tools models agent { name } } }
    ... on InvalidInput { problems { path code } } } }"""
UPDATE = """mutation ($input: UpdateAgentInput!) { updateAgent(input: $input) {
    ... on UpdateAgentPayload { agent { status displayName focusType pheromoneScore } }
    ... on InvalidInput { problems { path code } } } }"""


async def test_an_agent_registered_again_is_the_same_agent(ask: Ask) -> None:
    first = (await ask(AGENT, input={"name": "planner", "project": "shop", "focusType": "plans"}))["registerAgent"]
    again = (await ask(AGENT, input={"name": "planner", "project": "shop", "displayName": "Planner"}))["registerAgent"]
    assert (first["created"], again["created"]) == (True, False)
    assert again["agent"] == {**first["agent"], "displayName": "Planner"}
    assert again["agent"]["focusType"] == "plans"


async def test_the_same_name_in_two_projects_is_two_agents(ask: Ask) -> None:
    one = (await ask(AGENT, input={"name": "planner"}))["registerAgent"]["agent"]
    two = (await ask(AGENT, input={"name": "planner", "project": "shop"}))["registerAgent"]["agent"]
    assert one["id"] != two["id"]


@pytest.mark.parametrize(
    ("input_", "problem"),
    [
        ({"name": ""}, ("name", "EMPTY")),
        ({"name": "x" * 201}, ("name", "TOO_LONG")),
        ({"name": "a\0"}, ("name", "NUL_CHARACTER")),
        ({"name": "a", "project": "no spaces"}, ("project", "INVALID")),
        ({"name": "a", "displayName": "x" * 201}, ("displayName", "TOO_LONG")),
        ({"name": "a", "metadata": [1]}, ("metadata", "INVALID")),
    ],
    ids=str,
)
async def test_a_bad_registration_is_answered_with_its_problems(
    input_: dict[str, Any], problem: tuple[str, str], ask: Ask
) -> None:
    answer = (await ask(AGENT, input=input_))["registerAgent"]
    assert [(found["path"], found["code"]) for found in answer["problems"]] == [problem]
    assert (await ask("{ agents { totalCount } }"))["agents"]["totalCount"] == 0


async def test_a_version_brings_its_agent_along_and_keeps_what_is_left_out(ask: Ask) -> None:
    first = (await ask(VERSION, input={"agent": "new", "version": "1", "cluster": "eu", "tools": ["a"]}))[
        "registerVersion"
    ]
    again = (await ask(VERSION, input={"agent": "new", "version": "1", "models": ["m"]}))["registerVersion"]
    assert (first["created"], again["created"]) == (True, False)
    assert again["version"] == {**first["version"], "models": ["m"]}
    assert again["version"]["tools"] == ["a"]
    assert again["version"]["agent"] == {"name": "new"}


async def test_an_empty_text_counts_as_left_out(ask: Ask) -> None:
    agent = (await ask(AGENT, input={"name": "planner", "displayName": "", "focusType": ""}))["registerAgent"]["agent"]
    assert (agent["displayName"], agent["focusType"]) == ("planner", None)
    await ask(UPDATE, input={"agentId": agent["id"], "displayName": "P", "focusType": "plans"})
    answer = await ask(UPDATE, input={"agentId": agent["id"], "displayName": "", "focusType": ""})
    changed = answer["updateAgent"]["agent"]
    assert (changed["displayName"], changed["focusType"]) == ("P", "plans")
    version = {"agent": "planner", "version": "1", "cluster": "", "deployment": ""}
    answer = await ask(VERSION, input=version)
    described = answer["registerVersion"]["version"]
    assert (described["cluster"], described["deployment"]) == (None, None)


async def test_an_agent_can_be_changed_and_switched_off(ask: Ask) -> None:
    agent = (await ask(AGENT, input={"name": "planner"}))["registerAgent"]["agent"]
    answer = await ask(UPDATE, input={"agentId": agent["id"], "disabled": True, "pheromoneScore": 0.9})
    assert answer["updateAgent"]["agent"] == {
        "status": "DISABLED",
        "displayName": "planner",
        "focusType": None,
        "pheromoneScore": 0.9,
    }
    answer = await ask(UPDATE, input={"agentId": agent["id"], "disabled": False, "displayName": "P"})
    assert answer["updateAgent"]["agent"]["status"] == "IDLE"


async def test_a_bad_change_is_answered_with_its_problem(ask: Ask) -> None:
    agent = (await ask(AGENT, input={"name": "planner"}))["registerAgent"]["agent"]
    answer = await ask(UPDATE, input={"agentId": agent["id"], "pheromoneScore": 1.5})
    assert answer["updateAgent"]["problems"] == [{"path": "pheromoneScore", "code": "OUT_OF_RANGE"}]


@pytest.mark.parametrize(("id_", "code"), [("QWdlbnQ6OTk", "NOT_FOUND"), ("nonsense", "BAD_USER_INPUT")])
async def test_a_change_to_no_agent_is_an_error(id_: str, code: str, answer: Ask) -> None:
    result = await answer(UPDATE, input={"agentId": id_})
    assert result.errors[0]["extensions"]["code"] == code
