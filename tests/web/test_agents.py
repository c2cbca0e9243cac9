"""The agents page as it is sent: without a browser."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx2
import pytest

from formicary.auth import create_key
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models import Role
from formicary.resolvers.formats import THIN_SPACE

from ..ingest.factories import run_input
from .behind import count, counted
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


async def record_day(db: Database) -> int:
    """Of one agent 20 runs of an hour ago, 3 of them failed, and one of ten days ago."""
    runs = [
        run_input(
            "reader",
            startedAt=seconds_ago(3700 + i).isoformat(),
            durationMs=2000,
            cost="0.25",
            totalTokens=100_000,
            status="FAILED" if i >= 17 else "SUCCEEDED",
        )
        for i in range(20)
    ]
    old = run_input("reader", startedAt=seconds_ago(10 * 86_400).isoformat(), status="FAILED")
    await Recorder(db).record([*runs, old], None)
    agent_id: int = await db.fetchval("SELECT id FROM agent")
    return agent_id


async def test_card_shows_the_figures_of_the_range_each_leading_to_its_runs(
    db: Database, client: httpx2.AsyncClient
) -> None:
    agent_id = await record_day(db)
    page = await html(client)
    for name, query, runs, figure in (
        ("Runs", "", 20, "20"),
        ("Errors", "&status=FAILED&status=TIMED_OUT", 3, "3"),
        ("Error rate", "&status=FAILED&status=TIMED_OUT", 3, f"15.0{THIN_SPACE}%"),
        ("Avg latency", "&status=SUCCEEDED&status=FAILED&status=TIMED_OUT", 20, "2.0 s"),
        ("Tokens", "", 20, f"2.0{THIN_SPACE}M"),
        ("Spend", "", 20, "$5.00"),
    ):
        (href, behind, text) = re.findall(
            rf'<dt>{name}</dt><dd><a class="figure[^"]*" href="([^"]+)" data-runs="(\d+)">([^<]+)</a></dd>', page
        )[0]
        assert (unescape(href), int(behind), text) == (f"/runs?agent_id={agent_id}{query}", runs, figure)
    assert ">21</a>" in await html(client, "/agents?range=30d")
    assert f'href="/agents/{agent_id}"' in page


async def test_number_leads_to_a_list_of_as_many_runs(db: Database, client: httpx2.AsyncClient) -> None:
    await record_day(db)
    for path in ("/agents", "/agents?view=table", "/agents?range=30d"):
        links = counted(await html(client, path))
        assert links
        assert [(href, await count(db, href)) for href, _ in links] == links


async def test_unknown_figures_are_dashes_and_lead_nowhere(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db)
    page = await html(client)
    for name in ("Error rate", "Avg latency", "Tokens", "Spend"):
        assert f"<dt>{name}</dt><dd><span>–</span></dd>" in page


@pytest.mark.parametrize(("failed", "level"), [(0, "good"), (1, "good"), (2, "fair"), (4, "fair"), (5, "poor")])
async def test_success_rate_has_its_colour(db: Database, client: httpx2.AsyncClient, failed: int, level: str) -> None:
    statuses = ["FAILED"] * failed + ["SUCCEEDED"] * (20 - failed)
    await Recorder(db).record([run_input(status=status) for status in statuses], None)
    assert f"level-{level}" in await html(client, "/agents?view=table")


@pytest.mark.parametrize(("failed", "is_high"), [(1, False), (2, True)])
async def test_error_rate_is_red_above_ten_per_cent(
    db: Database, client: httpx2.AsyncClient, failed: int, *, is_high: bool
) -> None:
    statuses = ["FAILED"] * failed + ["SUCCEEDED"] * (10 - failed) + ["CANCELLED"]
    await Recorder(db).record([run_input(status=status) for status in statuses], None)
    assert ("level-poor" in await html(client)) is is_high


async def test_card_says_since_when_the_agent_is_known(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db)
    await db.execute("UPDATE agent SET created_at = $1", seconds_ago(3 * 86_400 + 60))
    assert f">3{THIN_SPACE}d</dd>" in await html(client)


def names_in(page: str) -> list[str]:
    return re.findall(r'<a class="names one-line" href="[^"]+" title="([^"]+)"', page)


async def test_table_has_every_column_of_an_agent_with_its_version(db: Database, client: httpx2.AsyncClient) -> None:
    await record_day(db)
    await db.execute(
        "UPDATE agent_version SET version = '2.1', cluster = 'eu-west', tools = $1, models = $2",
        '["search", "write"]',
        '["gpt-5"]',
    )
    page = await html(client, "/agents?view=table")
    (row,) = re.findall(r'<tr id="agent-.*?</tr>', page, re.DOTALL)
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).split("reader", 1)[1]
    assert text.split() == [
        *("default", "Idle", "0.50", "1", "h", "ago", "2.1", "2.0", "s", "85.0", "%", "20", "$5.00"),
        *("search,", "write", "gpt-5", "eu-west"),
    ]


async def test_table_is_sorted_by_the_column_in_the_address(db: Database, client: httpx2.AsyncClient) -> None:
    for name, score in (("b", 0.1), ("C", 0.9), ("a", 0.5)):
        await insert_agent(db, name, pheromone_score=score)
    for sort, expected in (("", ["C", "a", "b"]), ("name", ["a", "b", "C"]), ("-name", ["C", "b", "a"])):
        page = await html(client, f"/agents?view=table&sort={sort}")
        assert names_in(page) == expected
        assert page.count("aria-sort=") == 1
    assert 'aria-sort="descending"><a class="sort sorted" href="/agents?view=table&amp;sort=name">Name' in page


async def test_heading_sorts_and_sorts_the_other_way_round(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db)
    page = await html(client, "/agents?view=table&q=reader&sort=-runs")
    assert 'href="/agents?view=table&amp;q=reader&amp;sort=runs">Runs' in page
    assert 'href="/agents?view=table&amp;q=reader&amp;sort=-spend">Spend' in page
    assert 'href="/agents?view=table&amp;q=reader">Score' in page


async def test_long_list_goes_on_page_by_page(db: Database, client: httpx2.AsyncClient) -> None:
    for number in range(103):
        await insert_agent(db, f"agent {number:03}")
    first = await html(client, "/agents?view=table&sort=name&range=7d")
    assert "100 of" in first
    assert "<strong>103</strong> agents" in first
    (more,) = re.findall(r'href="([^"]+)">Show 100 more', first)
    second = await html(client, unescape(more))
    assert names_in(first) + names_in(second) == [f"agent {number:03}" for number in range(103)]
    assert 'href="/agents?view=table&amp;sort=name&amp;range=7d">Back to the first' in second
    assert "Show 100 more" not in second


@pytest.mark.parametrize(
    ("condition", "left"),
    [
        ("q=READ", {"reader", "Careful reader"}),
        ("q=100%25", {"100%"}),
        ("status=ERROR", {"broken"}),
        ("status=ERROR&status=DISABLED", {"broken", "off"}),
        ("focus=writing", {"broken", "100%"}),
        ("focus=writing&status=ERROR", {"broken"}),
        ("q=nobody", set()),
    ],
)
async def test_filter_leaves_the_agents_that_it_names(
    db: Database, client: httpx2.AsyncClient, condition: str, left: set[str]
) -> None:
    await insert_agent(db, "reader")
    await insert_agent(db, "inspector", display_name="Careful reader")
    await insert_agent(db, "off", disabled=True)
    await insert_agent(db, "100%", focus_type="writing")
    await insert_failing_agent(db, "broken", focus_type="writing")
    page = await html(client, f"/agents?view=table&{condition}")
    assert set(names_in(page)) == left
    assert ("No agent matches" in page) == (not left)


async def test_each_condition_is_a_chip_that_removes_it(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db, "reader", focus_type="writing")
    page = await html(client, "/agents?q=read&status=IDLE&status=BUSY&focus=writing&range=7d&after=x")
    for href in (
        "/agents?status=IDLE&amp;status=BUSY&amp;focus=writing&amp;range=7d",
        "/agents?q=read&amp;status=BUSY&amp;focus=writing&amp;range=7d",
        "/agents?q=read&amp;status=IDLE&amp;status=BUSY&amp;range=7d",
        "/agents?range=7d",
    ):
        assert f'href="{href}"' in page
    assert '<option value="IDLE"' not in page
    assert '<option value="ERROR"' in page


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sort=colour", "sort: &#39;colour&#39; is none of score, name"),
        ("view=list", "view: &#39;list&#39; is none of cards, table"),
        ("status=SLEEPY", "status: &#39;SLEEPY&#39; is none of DISABLED"),
    ],
)
async def test_what_is_no_condition_is_named(client: httpx2.AsyncClient, query: str, told: str) -> None:
    for path in ("/agents", "/fragments/agents/agents"):
        response = await client.get(f"{path}?{query}")
        assert response.status_code == 400
        assert told in response.text


async def test_cursor_that_is_none_is_told_in_the_place_of_the_list(client: httpx2.AsyncClient) -> None:
    page = await html(client, "/agents?after=nonsense")
    assert "after: &#39;nonsense&#39; is not a cursor of this list" in page


async def test_failing_agent_that_is_not_shown_leads_to_its_page(db: Database, client: httpx2.AsyncClient) -> None:
    agent_id = await insert_failing_agent(db, pheromone_score=0.1)
    for number in range(50):
        await insert_agent(db, f"fine {number}", pheromone_score=0.9)
    page = await html(client)
    assert f'<a class="chip" href="/agents/{agent_id}">' in page
    assert "<title>(1) Agents" in page


async def test_of_many_failing_agents_some_are_named_and_all_can_be_listed(
    db: Database, client: httpx2.AsyncClient
) -> None:
    for number in range(12):
        await insert_failing_agent(db, f"broken {number}")
    page = await html(client, "/agents?range=7d")
    assert page.count('<a class="chip" href="#agent-') == 8
    assert 'href="/agents?range=7d&amp;status=ERROR">All 12' in page
