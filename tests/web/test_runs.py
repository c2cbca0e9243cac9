"""The list of runs as it is sent: without a browser."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from typing import Any

import httpx2
import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.rollups.aggregate import settle
from formicary.rollups.retention import expire_runs
from formicary_web.run_columns import AT_FIRST, COLUMNS

from ..ingest.factories import NOW, ago, run_input
from ..resolvers.oracle import week
from .rows import seconds_ago

FAILED = {"status": "FAILED", "errorType": "TimeoutError", "errorMessage": "no answer within 30 s"}


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client


async def html(client: httpx2.AsyncClient, path: str = "/runs") -> str:
    response = await client.get(path)
    assert response.status_code == 200
    return response.text


async def record(db: Database, *runs: dict[str, Any]) -> None:
    """Runs that started one after the other, the last one a minute ago."""
    inputs = [{"startedAt": ago(60 + len(runs) - place).isoformat(), **run} for place, run in enumerate(runs)]
    await Recorder(db).record([run_input(**run) for run in inputs], None)


def numbered(number: int) -> list[dict[str, Any]]:
    return [{"externalId": f"run-{place}", "durationMs": place} for place in range(number)]


def ids(page: str) -> list[int]:
    """Of the listed runs, in their order."""
    return [int(id_) for id_ in re.findall(r'class="row-link" href="/runs/\d+/(\d+)', page)]


def total(page: str) -> int:
    (found,) = re.findall(r'data-total="(\d+)"', page)
    return int(found)


def cells(page: str) -> list[str]:
    """The texts of the first row."""
    row = page.split('<tr class="run-row">')[1].split("</tr>", maxsplit=1)[0]
    texts = (re.sub(r"<[^>]+>", " ", cell).split() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL))
    return [unescape(" ".join(text)) for text in texts]


def href(page: str, text: str) -> str:
    """Of the link with a text."""
    links = re.findall(r'<a\b[^>]*href="([^"]*)"[^>]*>(.*?)</a>', page, re.DOTALL)
    return next(unescape(href) for href, inside in links if text in " ".join(re.sub(r"<[^>]+>", " ", inside).split()))


async def test_row_leads_to_the_run_and_says_what_it_did(db: Database, client: httpx2.AsyncClient) -> None:
    tokens = {"inputTokens": 1000, "outputTokens": 200}
    started = {"startedAt": seconds_ago(61).isoformat()}
    told = {"agent": "a<b", "version": "2.0", "model": "m", "durationMs": 1500, "cost": "2"}
    await record(db, FAILED | tokens | started | told)
    page = await html(client)
    (run_id,) = ids(page)
    assert cells(page) == [
        *("1 min ago", "Failed", "a<b", "2.0", "m", "1.5 s", "1 200", "$2.00"),
        "TimeoutError no answer within 30 s",
    ]
    assert (await client.get(f"/runs/1/{run_id}")).status_code == 200


async def test_all_columns_can_be_shown_and_a_cost_that_was_estimated_says_so(
    db: Database, client: httpx2.AsyncClient
) -> None:
    await record(db, {"model": "gpt-4o", "inputTokens": 1000, "outputTokens": 10, "tools": ["x", "y"], "taskId": "t-1"})
    chosen = "&".join(f"column={name}" for name in COLUMNS)
    page = await html(client, f"/runs?{chosen}")
    assert len(cells(page)) == len(COLUMNS)
    assert {"x, y", "t-1", "≈ about $0.0026"} <= set(cells(page))
    assert len(cells(await html(client))) == len(AT_FIRST)


LEFT = {
    0: "agent=nobody agent=reader&user=nobody",
    1: "status=FAILED model=m provider=p version=2 agent=other user=u session=s tool=t initiator=cron trace_id=tr"
    " task_id=ta external_id=e-1 error_type=TimeoutError error_text=answ fingerprint=no+answer+within+%3Cn%3E+s"
    " min_duration_ms=1000 max_duration_ms=999 min_cost=0.5",
    2: "agent=reader without=model project=default",
    3: "status=FAILED&status=SUCCEEDED model=",
}
"""The conditions that leave so many of three runs."""


async def test_every_filter_narrows_the_list_and_its_total(db: Database, client: httpx2.AsyncClient) -> None:
    known = {"userId": "u", "sessionId": "s", "tools": ["t"], "initiator": "cron", "traceId": "tr", "taskId": "ta"}
    await record(
        db,
        known | {"model": "m", "provider": "p", "externalId": "e-1", "durationMs": 2000, "cost": "1"},
        FAILED | {"version": "2", "durationMs": 10},
        {"agent": "other", "project": "shop"},
    )
    for query, runs in ((query, runs) for runs, queries in LEFT.items() for query in queries.split()):
        page = await html(client, f"/runs?{query}")
        assert (total(page), len(ids(page))) == (runs, runs), query


async def test_each_condition_is_a_chip_that_takes_it_away(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, FAILED, {"model": "m"})
    page = await html(
        client, "/runs?status=FAILED&status=TIMED_OUT&agent_id=1&min_duration_ms=1500&without=model&range=7d"
    )
    chips = page.split('aria-label="Filters"')[1].split("</ul>")[0]
    texts = [" ".join(re.sub(r"<[^>]+>", " ", chip).split()) for chip in re.findall(r"<li>.*?</li>", chips, re.DOTALL)]
    assert texts == [
        *("Status Failed Remove", "Status Timed out Remove", "Agent reader Remove", "Took at least 1.5 s Remove"),
        *("Model not stated Remove", "Clear all"),
    ]
    assert href(chips, "Timed out") == "/runs?status=FAILED&agent_id=1&min_duration_ms=1500&without=model&range=7d"
    assert href(chips, "Clear all") == "/runs?range=7d"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("status=BROKEN", "status: 'BROKEN' is not one of QUEUED, RUNNING"),
        ("min_cost=much", "min_cost: 'much' is not an amount in USD"),
        ("sort=colour", "sort: 'colour' is none of started, duration, tokens, cost."),
        ("column=colour", "column: 'colour' is none of started, status"),
        ("after=nonsense", "after: 'nonsense' is not a cursor"),
    ],
)
async def test_bad_value_is_named_in_the_page_and_can_be_taken_away(
    client: httpx2.AsyncClient, query: str, message: str
) -> None:
    page = unescape(await html(client, f"/runs?{query}"))
    assert message in page
    assert 'id="filter-menu"' in page
    assert not query.startswith(("status", "min_cost")) or 'class="filter-chip"' in page


async def test_list_goes_on_behind_its_cursor_until_its_end(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, *numbered(120))
    first = await html(client)
    second = await html(client, href(first, "Load more"))
    third = await html(client, href(second, "Load more"))
    assert [len(ids(page)) for page in (first, second, third)] == [50, 50, 20]
    assert sorted({*ids(first), *ids(second), *ids(third)}, reverse=True) == [*ids(first), *ids(second), *ids(third)]
    assert {total(page) for page in (first, second, third)} == {120}
    assert "Load more" not in third
    assert href(third, "back to the first") == "/runs"


async def test_rows_that_follow_can_be_had_alone(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, *numbered(60))
    (fragment,) = re.findall(r'hx-get="(/fragments/runs/more[^"]*)"', first := await html(client))
    rows = await html(client, unescape(fragment))
    assert "<html" not in rows
    assert len(ids(rows)) == 10
    assert not {*ids(rows)} & {*ids(first)}


async def test_rows_that_cannot_be_read_say_why_and_how_to_try_again(client: httpx2.AsyncClient) -> None:
    rows = await html(client, "/fragments/runs/more?after=nonsense&status=FAILED")
    assert "is not a cursor of this list" in rows
    assert href(rows, "Try again") == "/runs?after=nonsense&status=FAILED"


@pytest.mark.parametrize(("column", "first"), [("Started", "-started"), ("Duration", "-duration"), ("Cost", "-cost")])
async def test_list_is_sorted_both_ways(db: Database, client: httpx2.AsyncClient, column: str, first: str) -> None:
    await record(db, *[{"durationMs": cost * 10, "cost": str(cost)} for cost in (1, 3, 2)])
    down = await html(client, f"/runs?sort={first}")
    assert re.search(rf'aria-sort="descending">\s*<a [^>]*>{column}', down)
    up = await html(client, href(down, column))
    assert re.search(rf'aria-sort="ascending">\s*<a [^>]*>{column}', up)
    assert ids(up) == ids(down)[::-1]


async def test_empty_list_says_what_to_loosen(db: Database, client: httpx2.AsyncClient) -> None:
    await record(
        db,
        {"model": "m"},
        {"model": "m"},
        FAILED,
        {"startedAt": ago(3 * 24 * 3600).isoformat(), "model": "m", **FAILED},
    )
    page = await html(client, "/runs?status=FAILED&model=m")
    assert "No runs under these filters" in page
    assert href(page, "2 without the filter “Status”") == "/runs?model=m"
    assert href(page, "1 without the filter “Model”") == "/runs?status=FAILED"
    assert href(page, "1 in the last 7d") == "/runs?status=FAILED&model=m&range=7d"


async def test_empty_list_of_a_project_leads_to_the_others(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, {})
    assert href(await html(client, "/runs?project=shop"), "1 in all projects") == "/runs"


async def test_without_any_run_the_page_says_how_to_send_one(client: httpx2.AsyncClient) -> None:
    assert "recordRuns" in await html(client)


async def test_dropped_runs_are_counted_and_said_to_be_dropped(db: Database, client: httpx2.AsyncClient) -> None:
    long_ago = (week(NOW) - timedelta(days=10)).isoformat()
    await record(db, {"startedAt": long_ago, "userId": "u"}, {"startedAt": long_ago}, {"userId": "u"})
    await settle(db, NOW)
    await expire_runs(db, week(NOW))
    page = await html(client, "/runs?range=30d")
    assert (total(page), len(ids(page))) == (3, 1)
    assert "2 of these runs started before" in page
    by_user = await html(client, "/runs?range=30d&user=u")
    assert total(by_user) == 1
    assert "is not known" in by_user
    assert "have been dropped" not in await html(client, "/runs?range=15m")


async def test_search_finds_an_external_id_or_else_words_of_an_error(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, {"externalId": "e-1"})
    for text, leads_to in (("e-1", "external_id=e-1"), ("no answer", "error_text=no+answer"), (" ", "")):
        response = await client.get("/runs/search", params={"q": text, "range": "7d", "status": "FAILED"})
        assert response.status_code == 303
        assert response.headers["location"] == f"/runs?range=7d&status=FAILED&{leads_to}".rstrip("&")


async def test_names_and_errors_are_escaped(db: Database, client: httpx2.AsyncClient) -> None:
    bad = "<img src=x onerror=alert(1)>"
    await record(db, FAILED | {"agent": bad, "errorMessage": bad, "version": bad, "model": bad})
    page = await html(client, "/runs?model=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E")
    assert total(page) == 1
    assert "<img" not in page


async def test_list_takes_as_many_statements_for_any_number_of_runs(
    db: Database, client: httpx2.AsyncClient, statements: list[str]
) -> None:
    counts = []
    for number in (1, 40):
        await record(db, *[{"agent": f"agent {place}", "version": str(place)} for place in range(number)])
        statements.clear()
        await html(client)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 12
