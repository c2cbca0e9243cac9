"""The page of one run as it is sent: without a browser."""

import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx2
import pytest

from formicary.auth import create_key
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models import Role

from ..ingest.factories import ago, run_input
from .conftest import dashboard, served

EVERYTHING: dict[str, Any] = {
    "agent": "reader",
    "version": "2.0",
    "externalId": "e-1",
    "status": "FAILED",
    "model": "m",
    "provider": "p",
    "queuedAt": ago(130).isoformat(),
    "startedAt": ago(120).isoformat(),
    "durationMs": 40_000,
    "messages": 3,
    "models": ["m", "m-2"],
    "tools": ["search", "fetch"],
    "inputTokens": 1000,
    "outputTokens": 200,
    "cost": "0.25",
    "cachedInputTokens": 400,
    "timeToFirstTokenMs": 10_000,
    "errorType": "TimeoutError",
    "errorMessage": "no answer",
    "initiator": "cron",
    "taskId": "ta",
    "traceId": "tr",
    "spanId": "sp",
    "sessionId": "se",
    "userId": "us",
    "inputLength": 5000,
    "outputLength": 700,
    "filesCreated": 4,
    "filesModified": 5,
    "pheromoneScore": 0.31,
    "metadata": {"region": "eu-west", "tries": 2, "plan": {"steps": ["a", "b"]}},
}


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client


async def record(db: Database, *runs: dict[str, Any]) -> list[str]:
    """The addresses of the runs, which started one after the other."""
    inputs = [run_input(**{"startedAt": ago(600 - place).isoformat(), **run}) for place, run in enumerate(runs)]
    recorded = await Recorder(db).record(inputs, None)
    return [f"/runs/{row.agent_id}/{row.id}" for row in recorded.rows if row is not None]


async def html(client: httpx2.AsyncClient, path: str) -> str:
    response = await client.get(path)
    assert response.status_code == 200
    return response.text


def facts(page: str) -> dict[str, str]:
    pairs = re.findall(r"<dt>([^<]*)</dt>\s*<dd[^>]*>(.*?)</dd>", page, re.DOTALL)
    return {name: unescape(" ".join(re.sub(r"<[^>]+>", " ", value).split())) for name, value in pairs}


def section(page: str, title: str) -> str:
    return page.split(f'<h2 class="panel-title">{title}</h2>')[1].split("</section>", maxsplit=1)[0]


def listed(part: str) -> list[str]:
    return re.findall(r'class="row-link" href="(/runs/\d+/\d+)', part)


async def test_every_field_of_a_run_is_shown(db: Database, client: httpx2.AsyncClient) -> None:
    (path,) = await record(db, EVERYTHING)
    page = await html(client, path)
    shown = facts(page)
    expected = {
        "Agent": "reader",
        "Version": "2.0",
        "Project": "default",
        "Model": "m",
        "Provider": "p",
        "All models": "m, m-2",
        "Tools": "search fetch",
        "External id": "e-1",
        "Initiator": "cron",
        "User": "us",
        "Session": "se",
        "Task": "ta",
        "Trace": "tr",
        "Span": "sp",
        "Address": path,
        "Input tokens": "1 000",
        "Of these cached": "400",
        "Output tokens": "200",
        "Total tokens": "1 200",
        "Input length": "5 000",
        "Output length": "700",
        "Messages": "3",
        "Files created": "4",
        "Files modified": "5",
        "Score reported": "0.31",
    }
    assert {name: shown[name].replace("\u2009", " ") for name in expected} == expected
    for text in ("Failed", "40.0 s", "$0.25", "as reported", "TimeoutError", "no answer", "eu-west", "&#34;steps&#34;"):
        assert text in page
    assert [name for name in ("Queued", "Started", "First token", "Ended", "Recorded") if name not in shown] == []


async def test_what_is_unknown_is_a_dash(db: Database, client: httpx2.AsyncClient) -> None:
    (path,) = await record(db, {"agent": "reader"})
    shown = facts(await html(client, path))
    for name in (
        "Model",
        "Session",
        "Trace",
        "External id",
        "Input tokens",
        "Files created",
        "Score reported",
        "Tools",
    ):
        assert shown[name] == "–", name


async def test_time_is_told_in_phases_that_make_up_the_whole(db: Database, client: httpx2.AsyncClient) -> None:
    (path,) = await record(db, EVERYTHING)
    time = section(await html(client, path), "Time")
    phases = re.findall(r"</span>([^<]*)<strong>([^<]*)</strong>", time)
    assert phases == [
        ("In the queue ", "10.0 s"),
        ("To the first token ", "10.0 s"),
        ("From the first token on ", "30.0 s"),
    ]
    bars = re.findall(r'x="([\d.]+)" width="([\d.]+)"', time)
    assert bars == [("0.0", "200.0"), ("200.0", "200.0"), ("400.0", "600.0")]


@pytest.mark.parametrize(("status", "phase"), [("RUNNING", "Running so far"), ("QUEUED", "In the queue")])
async def test_unfinished_run_tells_how_long_so_far_and_refreshes(
    db: Database, client: httpx2.AsyncClient, status: str, phase: str
) -> None:
    since = {"queuedAt": ago(100).isoformat(), "startedAt": ago(100).isoformat()}
    (path,) = await record(db, {"agent": "reader", "status": status, **since})
    page = await html(client, path)
    assert phase in section(page, "Time")
    assert f'hx-get="/fragments{path}/run" hx-trigger="every 30s, refresh"' in page
    assert "data-taken-at" in await html(client, f"/fragments{path}/run")


async def test_error_leads_to_all_runs_that_failed_alike(db: Database, client: httpx2.AsyncClient) -> None:
    failed = {"agent": "reader", "status": "FAILED", "errorType": "TimeoutError"}
    path, *_ = await record(
        db,
        failed | {"errorMessage": "no answer in 30 s"},
        failed | {"errorMessage": "no answer in 7 s", "agent": "other"},
        failed | {"errorMessage": "no answer in 7 s", "errorType": "OtherError"},
        failed | {"errorMessage": "quite something else"},
    )
    page = await html(client, path)
    href, runs = re.findall(r'href="([^"]*)" data-runs="(\d+)">2 runs of this kind of error', page)[0]
    assert runs == "2"
    assert 'data-total="2"' in await html(client, unescape(href))


async def test_runs_of_the_session_and_the_trace_are_listed_with_the_way_to_all(
    db: Database, client: httpx2.AsyncClient
) -> None:
    same = {"sessionId": "s", "traceId": "t"}
    paths = await record(db, *[{"agent": f"agent {place % 3}", **same} for place in range(25)], {"sessionId": "other"})
    page = await html(client, paths[0])
    for title in ("Runs of the same session", "Runs of the same trace"):
        part = section(page, title)
        assert listed(part) == paths[24:4:-1]
        (href,) = re.findall(r'href="([^"]*)" data-runs="25"', part)
        assert 'data-total="25"' in await html(client, unescape(href))


async def test_run_alone_in_its_session_has_no_list_of_it(db: Database, client: httpx2.AsyncClient) -> None:
    path, _ = await record(db, {"sessionId": "s", "traceId": "t"}, {})
    page = await html(client, path)
    assert "Runs of the same" not in page
    assert "Called by" not in page


async def test_callers_and_called_runs_lead_to_each_other(db: Database, client: httpx2.AsyncClient) -> None:
    key = {"agent": "caller", "externalId": "c-1"}
    caller, first, second, stray = await record(
        db,
        key,
        {"agent": "called", "parent": key},
        {"agent": "called", "parent": key},
        {"agent": "called", "parent": key | {"externalId": "<c-2>"}},
    )
    part = section(await html(client, caller), "Runs that it called")
    assert listed(part) == [second, first]
    (href,) = re.findall(r'href="([^"]*)" data-runs="2"', part)
    assert 'data-total="2"' in await html(client, unescape(href))
    assert listed(section(await html(client, first), "Called by")) == [caller]
    assert "&lt;c-2&gt;" in section(await html(client, stray), "Called by")


async def test_caller_that_the_key_may_not_see_is_not_named(db: Database) -> None:
    key = {"agent": "caller", "project": "secret", "externalId": "c-1"}
    _, called = await record(db, key, {"agent": "called", "parent": key})
    _, bound = await create_key(db, role=Role.READ, projects=["default"])
    async with served(dashboard(db, is_open=False)) as address, httpx2.AsyncClient(base_url=address) as client:
        response = await client.get(called, headers={"authorization": f"Bearer {bound}"})
    assert response.status_code == 200
    assert "c-1" not in response.text


async def test_neighbours_are_those_of_the_same_agent(db: Database, client: httpx2.AsyncClient) -> None:
    at_once = {"startedAt": ago(300).isoformat()}
    first, _, second, third = await record(db, {}, {"agent": "other"}, at_once, at_once)
    neighbours = []
    for path in (first, second, third):
        page = await html(client, path)
        neighbours.append(
            [*re.findall(r'href="([^"]*)" rel="prev"', page), *re.findall(r'href="([^"]*)" rel="next"', page)]
        )
    assert neighbours == [[second], [first, third], [second]]


@pytest.mark.parametrize("path", ["/runs/1/1", f"/runs/1/{2**63}", "/fragments/runs/1/1/run"])
async def test_unknown_run_is_not_found(client: httpx2.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert response.status_code == 404
    assert "There is no such run" in response.text


async def test_run_of_another_project_than_that_of_the_address_is_not_found(
    db: Database, client: httpx2.AsyncClient
) -> None:
    (path,) = await record(db, {"project": "shop"})
    assert (await client.get(f"{path}?project=shop")).status_code == 200
    assert (await client.get(f"{path}?project=other")).status_code == 404


async def test_key_of_another_project_does_not_see_the_run(db: Database) -> None:
    path, _ = await record(db, {"project": "shop"}, {"project": "default"})
    _, key = await create_key(db, role=Role.READ, projects=["default"])
    async with served(dashboard(db, is_open=False)) as address, httpx2.AsyncClient(base_url=address) as client:
        headers = {"authorization": f"Bearer {key}"}
        assert (await client.get(path, headers=headers)).status_code == 404
        assert 'data-total="1"' in (await client.get("/runs", headers=headers)).text


async def test_long_names_and_markup_do_no_harm(db: Database, client: httpx2.AsyncClient) -> None:
    bad = "<img src=x onerror=alert(1)>" + "x" * 150
    fields = ("agent", "version", "model", "provider", "externalId", "errorType", "errorMessage", "sessionId", "userId")
    (path,) = await record(
        db, {**dict.fromkeys(fields, bad), "status": "FAILED", "metadata": {bad: [bad]}, "tools": [bad]}
    )
    assert "<img" not in await html(client, path)


async def test_page_of_a_run_takes_few_statements(
    db: Database, client: httpx2.AsyncClient, statements: list[str]
) -> None:
    (path, *_) = await record(db, EVERYTHING, *[EVERYTHING | {"externalId": f"e-{place}"} for place in range(2, 30)])
    statements.clear()
    await html(client, path)
    assert len(statements) <= 36
