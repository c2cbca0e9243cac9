"""The overview as it is sent: without a browser."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx2
import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.resolvers.spans import HOUR
from formicary.rollups import pheromone
from formicary.rollups.aggregate import settle
from formicary_web import overview_figures
from formicary_web.place import FRAGMENTS

from ..ingest.factories import NOW, ago, run_input
from ..resolvers.test_attention import calm, hour_of
from .behind import count, steps
from .rows import insert_agent, insert_failing_agent

MOST_STATEMENTS = 8
H = 3600


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client


async def html(client: httpx2.AsyncClient, path: str = "/") -> str:
    response = await client.get(path)
    assert response.status_code == 200
    return response.text


async def record(db: Database, *hours_ago: float, **fields: Any) -> None:
    usual: dict[str, Any] = {
        "status": "SUCCEEDED",
        "durationMs": 1_000,
        "cost": "0.25",
        "userId": "u",
        "sessionId": "s",
    }
    runs = [run_input(**usual | fields | {"startedAt": ago(hours * H).isoformat()}) for hours in hours_ago]
    await Recorder(db).record(runs, None)


async def fold(db: Database) -> None:
    await settle(db, NOW)
    await pheromone.update(db, Settings(), NOW)


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).replace("\u2009", " ").split())


def cards(page: str) -> dict[str, list[str]]:
    """By its title, the texts of each card's figures."""
    parts = [part for part in page.split('<div class="stat-card">')[1:] if "stat-figures" in part]
    return {text(card.split("</h3>")[0]): [text(figure) for figure in figures(card)] for card in parts}


def figures(card: str) -> list[str]:
    return re.findall(r'<a class="stat-figure".*?</a>', card, re.DOTALL)


def findings(page: str) -> list[tuple[str, str]]:
    """Address and text of each."""
    rows = re.findall(r'<li class="finding .*?</li>', page, re.DOTALL)
    return [(unescape(re.findall(r'href="([^"]*)"', row)[0]), text(row)) for row in rows]


async def test_cards_show_each_figure_with_its_change(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1, 2, 3, inputTokens=1_000, outputTokens=10, messages=2)
    await record(db, 4, status="FAILED", errorType="Odd", durationMs=9_000, userId="v")
    await record(db, 30, 31, inputTokens=500, outputTokens=20)
    await insert_agent(db, "resting")
    await insert_agent(db, "off", disabled=True)
    shown = cards(await html(client))
    assert shown == {
        "Runs": ["4 +100.0 % against the 24 hours before"],
        "Success rate": ["75.0 % −25.0 pts against the 24 hours before, which is worse"],
        "Error rate": ["25.0 % +25.0 pts against the 24 hours before, which is worse"],
        "Cost": ["$1.00 +100.0 % against the 24 hours before, which is worse"],
        "Latency": [
            "1.0 s p50, no change",
            "9.0 s p95 +795.1 % against the 24 hours before, which is worse",
        ],
        "Tokens": [
            "3 000 in +200.0 % against the 24 hours before",
            "30 out −25.0 % against the 24 hours before",
        ],
        "Agents": ["2 active", "1 ran, no change"],
        "Messages": ["7 +250.0 % against the 24 hours before"],
        "Average pheromone": ["– no data before"],
    }


async def test_users_and_sessions_come_after_the_page(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1, 2, userId="u")
    await record(db, 3, 30, userId="v")
    assert "People" not in cards(await html(client))
    assert 'hx-get="/fragments/people?project=default" hx-trigger="load, refresh"' in await html(
        client, "/?project=default"
    )
    assert cards(await html(client, "/fragments/people")) == {
        "People": ["2 users +100.0 % against the 24 hours before", "1 sessions, no change"]
    }


async def test_what_is_unknown_is_a_dash(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1, status="RUNNING", durationMs=None, cost=None)
    shown = cards(await html(client))
    assert {title: figures[0].split()[0] for title, figures in shown.items()} == {
        "Runs": "1",
        "Success rate": "–",
        "Error rate": "–",
        "Cost": "–",
        "Latency": "–",
        "Tokens": "0",
        "Agents": "1",
        "Messages": "1",
        "Average pheromone": "–",
    }


async def test_figures_lead_to_as_many_runs(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1, 2, 3, 30)
    await record(db, 4, status="TIMED_OUT", errorType="Odd")
    await record(db, 5, status="CANCELLED")
    page = await html(client, "/?range=7d")
    links = re.findall(r'<a class="stat-figure" href="(/runs[^"]*)" data-runs="(\d+)"', page)
    assert {int(runs) for _, runs in links} == {6, 5, 1}
    for href, runs in links:
        assert await count(db, unescape(href)) == int(runs)
    for href, values in steps(page, "outcomes"):
        assert await count(db, href) == sum(value or 0 for value in values)


async def test_findings_lead_to_as_many_runs(db: Database, client: httpx2.AsyncClient) -> None:
    hours = [hours_ago for hours_ago in range(1, 160) if hours_ago != 50]
    both: list[dict[str, Any]] = [{"agent": "reader"}, {"agent": "writer"}]
    struck = [run for fields in both for run in hour_of(50, failing=8, **fields)]
    await Recorder(db).record([run for fields in both for run in calm(hours, **fields)] + struck, None)
    await record(db, 0.04, 0.03, 0.02, 0.01, status="FAILED", errorType="Odd", errorMessage="odd 7", agent="writer")
    await fold(db)
    page = await html(client)
    shown = findings(page)
    assert shown[0][1].startswith("writer is failing 4 runs in a row failed, the last of Odd: odd 7 ")
    assert shown[1][1].startswith("New error in writer 4 runs failed of Odd: odd 7 ")
    assert shown[2][1].startswith("openai had an outage 16 of 20 runs failed, usually ")
    assert shown[2][1].endswith("ended 2 d ago")
    assert [await count(db, href) for href, _ in shown] == [4, 4, 16]
    assert re.findall(r'data-runs="(\d+)"', page.split("finding-list")[1].split("</ul>")[0]) == ["4", "4", "16"]
    assert "<title>(2) Overview" in page


async def test_healthy_agents_are_said_to_be_well(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1)
    page = await html(client)
    assert "Nothing needs attention." in page
    assert "<title>Overview · Formicary</title>" in page


async def test_many_silent_agents_are_one_finding(db: Database, client: httpx2.AsyncClient) -> None:
    names = ["one", "two", "three", "four"]
    await Recorder(db).record([run for name in names for run in calm(range(30, 90), agent=name)], None)
    await fold(db)
    [(href, said)] = findings(await html(client, "/?range=7d"))
    assert said.startswith("4 agents are silent No runs of them arrive: ")
    assert href == "/agents?range=7d"


async def test_all_findings_can_be_seen(db: Database, client: httpx2.AsyncClient) -> None:
    for number in range(9):
        await insert_failing_agent(db, f"broken {number}")
    page = await html(client)
    assert len(findings(page)) == 9
    assert "<summary>3 more</summary>" in page
    assert "<title>(9) Overview" in page


async def test_what_waits_and_works_is_counted_with_the_best_agents(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1, 2, 3)
    await record(db, 0.1, 0.2, status="RUNNING", durationMs=None)
    await record(db, 0.1, 0.2, 0.3, status="QUEUED", durationMs=None)
    await insert_agent(db, "best", display_name="The best", pheromone_score=0.9, last_active_at=ago(60))
    page = await html(client)
    now = dict(
        re.findall(r"<div><dt>(.*?)</dt><dd>(.*?)</dd></div>", page.split('<dl class="now">')[1].split("</dl>")[0])
    )
    assert {name: text(value) for name, value in now.items()} == {
        "Working now": "1",
        "Runs running": "2",
        "Runs queued": "3",
        "Runs an hour": "0",
    }
    for name in ("Runs running", "Runs queued"):
        (href,) = re.findall(r'href="([^"]*)"', now[name])
        assert await count(db, unescape(href)) == int(text(now[name]))
    best = page.split('<ol class="best">')[1].split("</ol>")[0]
    assert [text(row) for row in best.split("</li>")[:-1]] == ["The best 0.90", "reader 0.50"]


async def test_activity_says_what_agents_did_newest_first(db: Database, client: httpx2.AsyncClient) -> None:
    await insert_agent(db, "reader", display_name="The reader")
    await record(db, 2, durationMs=1_500)
    await record(db, 1, status="FAILED", errorType="Odd", agent="writer")
    page = await html(client)
    rows = re.findall(r'<li class="activity".*?</li>', page, re.DOTALL)
    assert [text(row) for row in rows] == [
        "Failed writer failed Odd 1.0 s $0.25 1 h ago",
        "Succeeded The reader completed 1.5 s $0.25 2 h ago",
    ]
    run_id = await db.fetchval("SELECT id FROM run WHERE status = 3")
    assert re.search(rf'href="/runs/\d+/{run_id}"', rows[0])


async def test_range_without_runs_offers_longer_ones(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 30)
    page = await html(client)
    assert "No runs in this range" in page
    assert [f'href="/?range={preset}">{preset}' in page for preset in ("7d", "30d", "90d")] == [True] * 3
    assert 'class="stat-card"' in await html(client, "/?range=7d")


async def test_without_agents_the_first_run_is_explained(client: httpx2.AsyncClient) -> None:
    page = await html(client)
    assert f"curl {client.base_url}/graphql" in page
    assert "stat-card" not in page


async def test_project_without_agents_leads_back_to_all(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1)
    page = await html(client, "/?project=nowhere")
    assert "No agents in" in page
    assert '<a class="button" href="/">Show all projects</a>' in page


async def test_project_narrows_every_part(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1, agent="mine", project="a")
    await record(db, 1, agent="theirs", project="b")
    await insert_failing_agent(db, "broken", project="b")
    for path in ("/?project=a", *(f"/fragments/{name}?project=a" for name in ("attention", "figures", "activity"))):
        page = await html(client, path)
        assert "theirs" not in page
        assert "broken" not in page
    assert cards(await html(client, "/?project=a"))["Runs"][0].startswith("1 ")


async def test_page_takes_few_statements(db: Database, client: httpx2.AsyncClient, statements: list[str]) -> None:
    await record(db, *range(1, 20))
    await insert_failing_agent(db)
    statements.clear()
    await html(client)
    assert len([statement for statement in statements if "SELECT" in statement]) <= MOST_STATEMENTS


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", '"><script>alert(1)</script>', "{{ 1234 * 1000 }}"])
async def test_names_are_text(db: Database, client: httpx2.AsyncClient, name: str) -> None:
    await insert_failing_agent(db, name, project=name, last_error_message=name, last_error_type=name)
    await record(db, 1, agent=name, project=name, errorType=name, status="FAILED", provider=name)
    page = await html(client)
    assert "<img src=x" not in page
    assert "<script>" not in page
    assert "1234000" not in page


async def test_custom_range_is_compared_with_the_one_before(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1, 2, 3, 5)
    from_, to = (ago(hours * H).isoformat().replace("+00:00", "Z") for hours in (4, 0))
    page = await html(client, f"/?from={from_}&to={to}")
    assert cards(page)["Runs"] == ["3 +200.0 % against the same length of time before"]


async def test_range_that_is_no_longer_compared_has_no_changes(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, 1)
    await db.execute("UPDATE run_horizon SET runs_since = $1, cells_since = $1", NOW - 25 * HOUR)
    assert cards(await html(client))["Runs"] == ["1 no data before"]


async def test_all_that_is_shown_is_read(
    db: Database, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page says the same where all sums are read; its tag is of what it says."""
    await record(db, 1, 2, 3, 30, inputTokens=10, outputTokens=20, messages=3)
    await record(db, 1.5, 31, status="FAILED", errorType="Timeout")
    path = f"{FRAGMENTS}/figures?from={ago(24 * H):%Y-%m-%dT%H:%MZ}&to={ago(0):%Y-%m-%dT%H:%MZ}"

    async def tag(sums: frozenset[str] | None) -> str:
        monkeypatch.setattr(overview_figures, "SHOWN", sums)
        response = await client.get(path)
        assert response.status_code == 200
        return response.headers["etag"]

    shown = overview_figures.SHOWN
    assert await tag(shown) == await tag(None)
    assert await tag(shown) != await tag(shown - {"messages"})
