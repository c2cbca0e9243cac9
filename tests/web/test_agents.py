"""The agents page as it is sent: without a browser."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from formicary.auth import create_key
from formicary.db import Database
from formicary.models import Role

from .conftest import dashboard, served
from .rows import insert_agent, insert_failing_agent, seconds_ago


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client


async def html(client: httpx2.AsyncClient, path: str = "/agents") -> str:
    response = await client.get(path)
    assert response.status_code == 200
    return response.text


async def test_fragment_is_the_refreshed_part_of_the_page(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db, "reader")
    page, fragment = await html(client), await html(client, "/fragments/agents/agents")
    assert "<html" in page
    assert "<html" not in fragment
    assert 'hx-get="/fragments/agents/agents"' in page
    assert 'hx-get="/fragments/agents/agents"' in fragment
    assert fragment.startswith("<title>Agents · Formicary</title>")


async def test_page_takes_the_same_few_statements_whatever_the_number_of_agents(
    db: Database, client: httpx2.AsyncClient, statements: list[str]
) -> None:
    taken = []
    for names in (["one"], ["two", "three", "four"]):
        for name in names:
            await insert_agent(db, name, version="1")
        for path in ("/agents", "/agents?view=table&sort=-spend"):
            statements.clear()
            await html(client, path)
            taken.append(len(statements))
    assert taken[:2] == taken[2:]
    assert max(taken) <= 10


async def test_best_score_comes_first(db: Database, client: httpx2.AsyncClient) -> None:
    for name, score in (("worst", 0.1), ("best", 0.9), ("middle", 0.5)):
        await insert_agent(db, name, pheromone_score=score)
    page = await html(client)
    assert page.index("best</a></h2>") < page.index("middle</a></h2>") < page.index("worst</a></h2>")


@pytest.mark.parametrize(("score", "level"), [(0.7, "good"), (0.69, "fair"), (0.4, "fair"), (0.39, "poor")])
async def test_score_has_its_colour(db: Database, client: httpx2.AsyncClient, score: float, level: str) -> None:
    await insert_agent(db, pheromone_score=score)
    assert f"score-{level}" in await html(client)


async def test_agent_that_never_ran_says_so(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db)
    page = await html(client)
    assert "<dd>Never</dd>" in page
    assert "0.50" in page


async def test_failing_agents_are_named_at_the_top_and_in_the_title(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db, "fine", pheromone_score=0.9)
    agent_id = await insert_failing_agent(db, "broken")
    page = await html(client)
    assert "<title>(1) Agents · Formicary</title>" in page
    assert page.index(f'href="#agent-{agent_id}"') < page.index("fine</a></h2>")


async def test_disabled_agent_is_not_counted_as_failing(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_failing_agent(db, disabled=True)
    assert "none failing" in await html(client)


async def test_project_narrows_page_and_fragment(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db, "mine", project="a&b")
    await insert_agent(db, "other", project="c")
    for path in ("/agents", "/fragments/agents/agents"):
        text = await html(client, f"{path}?project=a%26b")
        assert "mine</a></h2>" in text
        assert "other</a></h2>" not in text
        assert 'hx-get="/fragments/agents/agents?project=a%26b"' in text


async def test_unknown_project_is_empty_and_leads_back(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db)
    page = await html(client, "/agents?project=nowhere")
    assert "No agents in" in page
    assert '<option value="nowhere" selected>' in page


async def test_first_page_says_how_to_send_a_run_to_this_address(client: httpx2.AsyncClient) -> None:
    page = await html(client)
    assert f"curl {client.base_url}/graphql" in page
    assert "Authorization" not in page


async def test_host_header_cannot_break_out_of_the_command(address: str) -> None:
    async with httpx2.AsyncClient() as client:
        response = await client.get(f"{address}/agents", headers={"host": "a;touch x"})
    assert "touch x" not in response.text


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "{{ 1234 * 1000 }}"])
async def test_names_are_text(db: Database, client: httpx2.AsyncClient, name: str) -> None:
    await insert_failing_agent(db, name, project=name, version=name, focus_type=name, last_error_message=name)
    page = await html(client)
    assert "<img src=x" not in page
    assert "<script>" not in page
    assert "1234000" not in page


async def test_nothing_is_inline(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_failing_agent(db)
    page = await html(client)
    assert " style=" not in page
    assert "<style" not in page
    assert re.search(r"<[^>]* on\w+=", page) is None
    assert page.count("<script") == page.count("<script src=")


async def test_policy_allows_nothing_from_elsewhere(client: httpx2.AsyncClient) -> None:
    policy = (await client.get("/agents")).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_last_error_is_shown_with_its_time(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_failing_agent(db, last_error_at=seconds_ago(7200))
    page = await html(client)
    assert "TimeoutError" in page
    assert "the model did not answer within 30,000 ms" in page
    assert "2 h ago</time>" in page


async def test_without_a_key_the_page_says_what_it_needs(db: Database) -> None:
    async with served(dashboard(db, is_open=False)) as url, httpx2.AsyncClient(base_url=url) as client:
        response = await client.get("/agents")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "No access without an API key" in response.text


async def test_key_that_may_only_record_sees_no_page(db: Database) -> None:
    _, key = await create_key(db, role=Role.INGEST)
    async with served(dashboard(db, is_open=False)) as url, httpx2.AsyncClient(base_url=url) as client:
        response = await client.get("/agents", headers={"authorization": f"Bearer {key}"})
    assert response.status_code == 403


async def test_key_of_one_project_sees_no_other(db: Database) -> None:
    await insert_agent(db, "mine", project="a")
    await insert_agent(db, "other", project="b")
    _, key = await create_key(db, role=Role.READ, projects=["a"])
    async with served(dashboard(db, is_open=False)) as url, httpx2.AsyncClient(base_url=url) as client:
        page = (await client.get("/agents", headers={"authorization": f"Bearer {key}"})).text
    assert "mine</a></h2>" in page
    assert "other" not in page
    assert '<option value="b"' not in page


async def test_command_for_the_first_run_names_the_key_where_one_is_needed(db: Database) -> None:
    _, key = await create_key(db, role=Role.READ)
    async with served(dashboard(db, is_open=False)) as url, httpx2.AsyncClient(base_url=url) as client:
        page = (await client.get("/agents", headers={"authorization": f"Bearer {key}"})).text
    assert "Authorization: Bearer $FORMICARY_KEY" in page
