"""Two versions side by side, as the page is sent: without a browser."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from formicary.auth import create_key
from formicary.db import Database
from formicary.models import Role
from formicary.rollups.aggregate import settle

from ..ingest.factories import NOW, ago
from . import behind
from .conftest import dashboard, served
from .rows import insert_agent
from .test_agent import HOSTILE, html, record

OLD: dict[str, Any] = {"version": "1.9", "durationMs": 100, "cost": "0.10", "inputTokens": 50, "outputTokens": 50}
NEW: dict[str, Any] = {"version": "1.10", "durationMs": 900, "cost": "0.05", "inputTokens": 50, "outputTokens": 50}
FAILED = {"status": "FAILED", "errorType": "TimeoutError", "errorMessage": "no answer in 60 s"}


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client


@pytest.fixture
async def agent_id(db: Database) -> int:
    """Of an agent whose newer version is slower and fails, but costs less."""
    await record(db, {"version": "1.8"})
    await record(db, *[OLD] * 4)
    return await record(db, *[NEW] * 3, NEW | FAILED)


def row(page: str, name: str) -> list[str]:
    """The cells of a figure: of both versions, their difference, and whether it is good."""
    cells = page.split(f'<th scope="row">{name}</th>')[1].split("</tr>", maxsplit=1)[0]
    return [re.sub(r"<[^>]+>", "", cell).replace("\u2009", "").strip() for cell in cells.split("</td>")[:4]]


def compared(page: str) -> list[str]:
    return re.findall(r'<span class="version-mark tone-[12]">([^<]+)</span></th>', page)


async def test_the_two_latest_are_compared_unless_others_are_named(client: httpx2.AsyncClient, agent_id: int) -> None:
    address = f"/agents/{agent_id}/compare"
    assert compared(await html(client, address)) == ["1.9", "1.10"]
    assert compared(await html(client, f"{address}?a=1.10&b=1.8")) == ["1.10", "1.8"]
    assert compared(await html(client, f"{address}?a=1.10")) == ["1.10", "1.9"]
    assert compared(await html(client, f"{address}?b=1.9")) == ["1.10", "1.9"]


async def test_versions_are_named_by_their_ids_too(db: Database, client: httpx2.AsyncClient, agent_id: int) -> None:
    ids = {row["version"]: row["id"] for row in await db.fetch("SELECT id, version FROM agent_version")}
    page = await html(client, f"/agents/{agent_id}/compare?a={ids['1.8']}&b={ids['1.9']}")
    assert compared(page) == ["1.8", "1.9"]
    assert f'<option value="{ids["1.8"]}" selected>1.8</option>' in page
    assert f'<option value="{ids["1.9"]}" selected>1.9</option>' in page


async def test_differences_have_a_sign_and_say_whether_they_are_good(client: httpx2.AsyncClient, agent_id: int) -> None:
    page = await html(client, f"/agents/{agent_id}/compare")
    assert row(page, "Runs") == ["4", "4", "no change", ""]
    assert row(page, "Success rate") == ["100.0%", "75.0%", "−25.0pts", "worse"]
    assert row(page, "Latency p95") == ["100 ms", "900 ms", "+800.0%", "worse"]
    assert row(page, "Cost per run") == ["$0.10", "$0.050", "−50.0%", "better"]
    assert row(page, "Tokens per run") == ["100", "100", "no change", ""]


async def test_every_number_of_runs_leads_to_as_many_runs(
    db: Database, client: httpx2.AsyncClient, agent_id: int
) -> None:
    for _ in ("from runs", "from cells"):
        found = behind.counted(await html(client, f"/agents/{agent_id}/compare"))
        assert {number for _, number in found} == {0, 1, 4, 8}
        assert [await behind.count(db, href) for href, _ in found] == [number for _, number in found]
        await settle(db, NOW)


async def test_histories_have_a_line_a_version(db: Database, client: httpx2.AsyncClient, agent_id: int) -> None:
    found = behind.steps(await html(client, f"/agents/{agent_id}/compare?range=1h"), "runs")
    assert [sum(filter(None, (values[i] for _, values in found))) for i in range(2)] == [4, 4]
    for href, values in found:
        assert await behind.count(db, href) == sum(filter(None, values))


async def test_step_of_a_version_and_itself_counts_its_runs_once(
    db: Database, client: httpx2.AsyncClient, agent_id: int
) -> None:
    found = behind.counted(await html(client, f"/agents/{agent_id}/compare?range=1h&a=1.9&b=1.9"))
    assert max(number for _, number in found) == 4
    assert [await behind.count(db, href) for href, _ in found] == [number for _, number in found]


async def test_distributions_have_the_same_scale(client: httpx2.AsyncClient, agent_id: int) -> None:
    page = await html(client, f"/agents/{agent_id}/compare")
    a, b = (
        re.findall(r'<tr><th scope="row">([^<]+)</th><td>([^<]+)</td>', page.split(f'id="spread-{each}-data"')[1])
        for each in "ab"
    )
    assert len(b) > 10
    assert a[: len(b)] == b


async def test_version_without_runs_in_the_range_is_named(db: Database, client: httpx2.AsyncClient) -> None:
    earlier = {"startedAt": ago(3 * 86_400).isoformat()}
    agent_id = await record(db, {"version": "gone"} | earlier, {"version": "here"})
    page = await html(client, f"/agents/{agent_id}/compare?a=gone&b=here")
    assert re.search(r"gone</strong>\s+has no runs in this range", page)
    assert row(page, "Runs") == ["0", "1", "+1", ""]
    assert row(page, "Success rate") == ["–", "100.0%", "–", ""]
    assert "No finished runs with a duration in this range" in page


async def test_one_version_or_none_has_nothing_to_be_compared_with(db: Database, client: httpx2.AsyncClient) -> None:
    one, none = await insert_agent(db, "one", version="1.0"), await insert_agent(db, "none")
    assert "There is only one version" in await html(client, f"/agents/{one}/compare")
    assert "There are no versions yet" in await html(client, f"/agents/{none}/compare")
    assert "There is only one version" not in await html(client, f"/agents/{one}/compare?a=1.0&b=1.0")
    for part in ("figures", "errors"):
        assert (await client.get(f"/fragments/agents/{one}/compare/{part}")).status_code == 200


@pytest.mark.parametrize("name", ["9.9", "4711", "9" * 30, "x" * 500])
async def test_version_that_there_is_not_is_named(client: httpx2.AsyncClient, agent_id: int, name: str) -> None:
    for parameter in ("a", "b"):
        response = await client.get(f"/agents/{agent_id}/compare?{parameter}={name}")
        assert response.status_code == 404
        assert f"{parameter}: &#39;{name[:40]}&#39; is neither the id nor the name of a version" in response.text


async def test_version_of_another_agent_is_none_of_this_one(
    db: Database, client: httpx2.AsyncClient, agent_id: int
) -> None:
    await record(db, {"version": "theirs"}, agent="other")
    theirs = await db.fetchval("SELECT id FROM agent_version WHERE version = 'theirs'")
    for name in ("theirs", theirs):
        assert (await client.get(f"/agents/{agent_id}/compare?a={name}")).status_code == 404


async def test_key_of_another_project_compares_nothing(db: Database, agent_id: int) -> None:
    await insert_agent(db, project="b")
    _, key = await create_key(db, role=Role.READ, projects=["b"])
    async with served(dashboard(db, is_open=False)) as url, httpx2.AsyncClient(base_url=url) as client:
        client.headers["authorization"] = f"Bearer {key}"
        for path in (
            "/agents/{}/compare",
            "/fragments/agents/{}/compare/figures",
            "/fragments/agents/{}/compare/errors",
        ):
            assert (await client.get(path.format(agent_id))).status_code == 404


async def test_names_are_text(db: Database, client: httpx2.AsyncClient) -> None:
    run = {"errorType": HOSTILE, "errorMessage": HOSTILE, "status": "FAILED"}
    agent_id = await record(db, run | {"version": HOSTILE}, run | {"version": HOSTILE[:-1]}, agent=HOSTILE)
    page = await html(client, f"/agents/{agent_id}/compare")
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") > 8
    assert " style=" not in page


async def test_page_takes_few_statements(
    db: Database, client: httpx2.AsyncClient, agent_id: int, statements: list[str]
) -> None:
    await html(client, f"/agents/{agent_id}/compare")
    statements.clear()
    await html(client, f"/agents/{agent_id}/compare")
    assert len(statements) <= 14
