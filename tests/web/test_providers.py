"""The providers page as it is sent: without a browser."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.resolvers.formats import THIN_SPACE
from formicary.rollups.aggregate import settle

from ..ingest.factories import NOW, ago, run_input
from .behind import count, counted, steps


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client


async def html(client: httpx2.AsyncClient, path: str = "/providers") -> str:
    response = await client.get(path)
    assert response.status_code == 200
    return response.text


async def record(db: Database, *runs: dict[str, Any]) -> None:
    await Recorder(db).record([run_input(**{"startedAt": ago(60).isoformat(), **run}) for run in runs], None)


NORTH = {"provider": "north", "model": "n-1", "durationMs": 4000, "cost": "0.5"}
FAILED = {"status": "FAILED", "errorType": "TimeoutError"}


def row_of(page: str, name: str) -> str:
    rows: list[str] = re.findall(r"<tr>.*?</tr>", page, re.DOTALL)
    return next(row for row in rows if name in row)


def text_of(row: str) -> list[str]:
    return re.sub(r"<[^>]+>", " ", row).replace(THIN_SPACE, "").split()


async def test_row_tells_share_success_latency_cost_and_errors(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, NORTH, NORTH, NORTH | FAILED | {"durationMs": 10_000}, NORTH, {"provider": "south"})
    page = await html(client)
    assert text_of(row_of(page, ">north</a>")) == [
        *("north", "75.0%", "4", "80.0%", "5.5", "s", "10.0", "s", "$2.00", "$0.50", "TimeoutError", "1")
    ]
    assert text_of(row_of(page, ">south</a>")) == ["south", "100.0%", "1", "20.0%", *"––––", "–"]
    assert text_of(row_of(page, ">n-1</a>"))[:3] == ["n-1", "75.0%", "4"]


async def test_every_number_leads_to_a_list_of_as_many_runs(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, NORTH, NORTH | FAILED, NORTH | FAILED, {"provider": "south"}, {"model": "m"})
    links = counted(await html(client, "/providers?range=7d"))
    assert ("/runs?range=7d&error_type=TimeoutError&provider=north", 2) in links
    assert [(href, await count(db, href)) for href, _ in links] == links


async def test_step_of_a_chart_leads_to_its_runs(db: Database, client: httpx2.AsyncClient) -> None:
    await record(
        db, NORTH, NORTH | FAILED, {"provider": "south"}, {"model": "m"}, NORTH | {"startedAt": ago(9000).isoformat()}
    )
    found = steps(await html(client), "requests-by-provider")
    assert sum(value or 0 for _, step in found for value in step) == 5
    for href, step in found:
        assert await count(db, href) == sum(value or 0 for value in step)


async def test_links_keep_the_range_and_the_project(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, NORTH | FAILED | {"project": "a"}, NORTH | {"project": "b"})
    page = await html(client, "/providers?range=7d&project=a")
    assert 'href="/runs?range=7d&amp;project=a&amp;provider=north" data-runs="1">1</a>' in page
    assert (
        'href="/runs?range=7d&amp;project=a&amp;error_type=TimeoutError&amp;provider=north" data-runs="1">1</a>' in page
    )


async def test_runs_that_state_none_have_a_row_that_leads_nowhere(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, NORTH, FAILED, {"status": "SUCCEEDED"})
    row = row_of(await html(client), "Not stated")
    assert text_of(row)[:6] == ["Not", "stated", "50.0%", "2", "66.7%", "–"]
    assert "href=" not in row


async def test_failed_run_without_a_type_is_counted_but_cannot_be_listed(
    db: Database, client: httpx2.AsyncClient
) -> None:
    await record(db, NORTH | {"status": "FAILED"})
    row = row_of(await html(client), ">north</a>")
    assert text_of(row)[-3:] == ["no", "type", "1"]
    assert "error_type" not in row


async def test_more_types_of_error_than_fit_are_counted(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, *(NORTH | FAILED | {"errorType": f"Error{number}"} for number in range(6)))
    row = row_of(await html(client), ">north</a>")
    assert "Error3" in row
    assert "Error4" not in row
    assert "and 2 more</a>" in row


async def test_charts_show_the_course_by_provider(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, *[{"provider": f"p{number}"} for number in range(6) for _ in range(6 - number)])
    page = await html(client)
    requests = re.search(r'id="requests-by-provider-table".*?</table>', page, re.DOTALL)
    rates = re.search(r'id="error-rates-by-provider-table".*?</table>', page, re.DOTALL)
    assert requests
    assert rates
    assert re.findall(r'data-tone="\w+">(\w+)<', requests[0]) == ["p0", "p1", "p2", "p3", "Others"]
    assert re.findall(r'data-tone="\w+">(\w+)<', rates[0]) == ["p0", "p1", "p2", "p3"]
    assert sum(value or 0 for _, step in steps(page, "requests-by-provider") for value in step) == 21


async def record_outage(db: Database) -> None:
    """Two agents use a provider that fails for two hours, three days ago; else one of twenty runs fails."""
    start = NOW - timedelta(days=6)
    runs = []
    for hour in range(6 * 24):
        at = start + timedelta(hours=hour)
        is_out = 72 <= hour < 74
        for number in range(10):
            is_failing = is_out or (hour % 2 == 0 and number == 0)
            runs.append(
                run_input(
                    f"agent {number % 2}",
                    provider="north",
                    startedAt=(at + timedelta(minutes=number)).isoformat(),
                    status="FAILED" if is_failing else "SUCCEEDED",
                )
            )
    await Recorder(db).record(runs, None)
    await settle(db, NOW)


async def test_outage_of_the_range_is_told_at_the_top(db: Database, client: httpx2.AsyncClient) -> None:
    await record_outage(db)
    page = await html(client, "/providers?range=7d")
    (outage,) = [(href, failed) for href, failed in counted(page) if "from=" in href and "provider=" in href]
    href, failed = outage
    assert f"{failed} of " in page
    assert failed >= 18
    assert await count(db, href) == failed
    assert page.index("Outage</h2>") < page.index("By provider")
    assert "Outage</h2>" not in await html(client, "/providers?range=24h")


async def test_range_without_runs_leads_to_a_longer_one(client: httpx2.AsyncClient) -> None:
    page = await html(client)
    assert page.count("No runs in this range") >= 2
    assert 'href="/providers?range=30d">Show the last 30 days' in page


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "x" * 200])
async def test_names_are_text(db: Database, client: httpx2.AsyncClient, name: str) -> None:
    await record(db, NORTH | FAILED | {"provider": name, "model": name, "errorType": name})
    page = await html(client)
    assert "<img src=x" not in page
    assert " style=" not in page


async def test_page_takes_the_same_statements_whatever_the_number_of_providers(
    db: Database, client: httpx2.AsyncClient, statements: list[str]
) -> None:
    taken = []
    for number in range(3):
        await record(db, *({"provider": f"p{number}{i}", "model": f"m{number}{i}"} for i in range(number * 5 + 1)))
        statements.clear()
        await html(client)
        taken.append(len(statements))
    assert len(set(taken)) == 1
    assert taken[0] <= 12
