"""The page of one agent as it is sent: without a browser."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from formicary.auth import create_key
from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models import Role
from formicary.rollups.aggregate import settle
from formicary.rollups.pheromone import update

from ..ingest.factories import NOW, ago, run_input
from . import behind
from .conftest import dashboard, served
from .rows import insert_agent, insert_failing_agent

PARTS = ("standing", "figures", "score", "versions", "errors", "models", "runs")
HOSTILE = "<img src=x onerror=alert(1)>" + "W" * 172


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client


async def html(client: httpx2.AsyncClient, path: str) -> str:
    response = await client.get(path)
    assert response.status_code == 200
    return response.text


async def record(db: Database, *runs: dict[str, Any], agent: str = "reader") -> int:
    """The id of the agent that the runs are of; they began minutes ago unless they say otherwise."""
    recorded = [
        run_input(agent, **{"startedAt": ago(300 + i).isoformat(), "status": "SUCCEEDED", "durationMs": 1000} | run)
        for i, run in enumerate(runs)
    ]
    await Recorder(db).record(recorded, None)
    agent_id: int = await db.fetchval("SELECT id FROM agent WHERE name = $1", agent)
    return agent_id


VARIED: list[dict[str, Any]] = [
    *({"version": "1.0", "model": "m1", "provider": "p", "durationMs": 100 * i} for i in range(1, 30)),
    *({"version": "1.1", "model": "m2", "cost": "0.25", "inputTokens": 10, "outputTokens": 5} for _ in range(4)),
    *(
        {"status": "FAILED", "version": "1.1", "errorType": "TimeoutError", "errorMessage": f"no answer in {i} ms"}
        for i in range(3)
    ),
    {"status": "TIMED_OUT", "version": "1.1", "errorMessage": "no answer in 9 ms"},
    {"status": "CANCELLED", "model": "m2"},
    {"status": "RUNNING", "durationMs": None},
]


async def test_every_number_of_runs_leads_to_as_many_runs(db: Database, client: httpx2.AsyncClient) -> None:
    agent_id = await record(db, *VARIED)
    await record(db, *VARIED[:5], agent="other")
    for _ in ("from runs", "from cells"):
        found = behind.counted(await html(client, f"/agents/{agent_id}"))
        assert {number for _, number in found} >= {29, 8, 5, 3, 1}
        assert [await behind.count(db, href) for href, _ in found] == [number for _, number in found]
        await settle(db, NOW)


async def test_neighbouring_bars_of_the_distribution_share_no_run(db: Database, client: httpx2.AsyncClient) -> None:
    agent_id = await record(db, *({"durationMs": ms} for ms in range(95, 126)))
    page = await html(client, f"/fragments/agents/{agent_id}/figures")
    found = behind.counted(page.split('id="spread-data"')[1])
    assert sum(number for _, number in found) == 31
    assert [await behind.count(db, href) for href, _ in found] == [number for _, number in found]


async def test_every_step_of_a_chart_leads_to_its_runs(
    db: Database, client: httpx2.AsyncClient, settings: Settings
) -> None:
    agent_id = await record(db, *VARIED)
    await settle(db, NOW)
    await update(db, settings, NOW)
    page = await html(client, f"/agents/{agent_id}?range=1h")
    for chart in ("outcomes", "interactions"):
        found = behind.steps(page, chart)
        assert sum(sum(filter(None, values)) for _, values in found) == {"outcomes": 39, "interactions": 37}[chart]
        for href, values in found:
            assert await behind.count(db, href) == sum(filter(None, values))


async def test_figures_of_the_range_and_of_all_time(db: Database, client: httpx2.AsyncClient) -> None:
    day = {"version": "1.0", "inputTokens": 100, "outputTokens": 50, "cost": "0.5", "messages": 3, "filesCreated": 2}
    earlier = {"startedAt": ago(3 * 86_400).isoformat()}
    failed = {"status": "FAILED", "errorType": "E", "durationMs": 3000}
    agent_id = await record(db, day, day | {"sessionId": "s"}, failed | day, day | earlier)
    page = (await html(client, f"/agents/{agent_id}")).replace("\u2009", "")
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    for text in (
        "Runs 3 +3",
        "Success rate 66.7%",
        "Latency 1.0 s p50",
        "3.0 s p95",
        "Tokens per run 150",
        "Cost $1.50",
        "$0.50 a run",
        "Files 6 created",
        "Sessions 1 in 24 h",
        "Messages, all time 12",
        "Errors 1 25.0%",
        "Average latency 1.5 s",
        "Too few runs ended for a trend",
    ):
        assert text in page


@pytest.mark.parametrize(("failed", "word"), [("first", "Improving"), ("last", "Declining"), ("none", "Stable")])
async def test_trend_is_said_in_words(db: Database, client: httpx2.AsyncClient, failed: str, word: str) -> None:
    worse = {"first": range(6, 12), "last": range(6), "none": range(0)}[failed]
    runs = [{"status": "FAILED" if i in worse else "SUCCEEDED"} for i in range(12)]
    page = await html(client, f"/agents/{await record(db, *runs)}")
    assert re.search(rf'<p class="trend-word"><svg.*?</svg>\s*{word}</p>', page, re.DOTALL)


async def test_standing_names_status_project_focus_and_failures(db: Database, client: httpx2.AsyncClient) -> None:
    agent_id = await insert_failing_agent(db, display_name="Broken one", project="ops", focus_type="support")
    page = await html(client, f"/agents/{agent_id}")
    assert "<title>(!) Broken one · Formicary</title>" in page
    for text in ("badge-error", "ops</li>", "support</li>", "4 failures in a row", "TimeoutError"):
        assert text in page


async def test_new_agent_has_no_figures_rather_than_zeros(db: Database, client: httpx2.AsyncClient) -> None:
    page = await html(client, f"/agents/{await insert_agent(db)}")
    for text in ("Active never", "No runs yet", "No version is known", "This agent has no runs yet", "No run ended"):
        assert text in page
    assert page.count('<span class="stat-value">–</span>') == 5


@pytest.mark.parametrize(("days", "hours"), [("", 168), ("?days=1", 24), ("?days=15", 360), ("?days=90", 360)])
async def test_score_has_a_step_an_hour_or_every_few(
    db: Database, client: httpx2.AsyncClient, days: str, hours: int
) -> None:
    agent_id = await record(db, {"pheromoneScore": 0.75})
    found = behind.steps(await html(client, f"/fragments/agents/{agent_id}/score{days}"), "score")
    assert len(found) == hours
    assert found[0][1] == [0.5]
    assert found[-1][1] == [0.75]


@pytest.mark.parametrize("days", ["0", "91", "-1", "x", "1.5", "9" * 5000])
async def test_wrong_number_of_days_is_named_in_its_place(db: Database, client: httpx2.AsyncClient, days: str) -> None:
    agent_id = await record(db, {})
    page = await html(client, f"/agents/{agent_id}?days={days}")
    assert re.search(r"days: .{1,80} between 1 and 90", page)
    assert "Recent runs" in page
    assert (await client.get(f"/fragments/agents/{agent_id}/score?days={days}")).status_code == 400


@pytest.mark.parametrize("agent_id", ["0", "4711", f"{2**63 - 1}", f"{2**63}", "9" * 5000])
async def test_agent_that_there_is_not_is_the_404_page(client: httpx2.AsyncClient, agent_id: str) -> None:
    for path in (f"/agents/{agent_id}", *(f"/fragments/agents/{agent_id}/{part}" for part in PARTS)):
        response = await client.get(path)
        assert response.status_code == 404
        assert "There is nothing here" in response.text


async def test_agent_of_another_project_is_the_404_page(db: Database, client: httpx2.AsyncClient) -> None:
    agent_id = await insert_agent(db, project="a")
    assert (await client.get(f"/agents/{agent_id}?project=a")).status_code == 200
    assert (await client.get(f"/agents/{agent_id}?project=b")).status_code == 404


async def test_key_of_another_project_finds_no_agent(db: Database) -> None:
    agent_id = await insert_agent(db, project="a")
    await insert_agent(db, project="b")
    _, key = await create_key(db, role=Role.READ, projects=["b"])
    async with served(dashboard(db, is_open=False)) as url, httpx2.AsyncClient(base_url=url) as client:
        client.headers["authorization"] = f"Bearer {key}"
        for path in (f"/agents/{agent_id}", *(f"/fragments/agents/{agent_id}/{part}" for part in PARTS)):
            assert (await client.get(path)).status_code == 404


async def test_names_are_text(db: Database, client: httpx2.AsyncClient) -> None:
    run = {"version": HOSTILE, "model": HOSTILE, "provider": HOSTILE, "errorType": HOSTILE, "errorMessage": HOSTILE}
    agent_id = await record(db, run | {"status": "FAILED"}, agent=HOSTILE)
    page = await html(client, f"/agents/{agent_id}")
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") > 8
    assert " style=" not in page


async def test_page_takes_few_statements_whatever_there_is_to_show(
    db: Database, client: httpx2.AsyncClient, statements: list[str]
) -> None:
    agent_id = await record(db, *VARIED)
    await settle(db, NOW)
    await html(client, f"/agents/{agent_id}")
    statements.clear()
    await html(client, f"/agents/{agent_id}")
    assert len(statements) <= 32
