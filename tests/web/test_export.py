"""Downloads over HTTP."""

import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import unescape
from random import Random
from typing import Any

import httpx2
import pyarrow.parquet as pq
import pytest

from formicary.auth import create_key
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput
from formicary.models import Role
from formicary_web import export
from formicary_web.rendering import SECURITY_HEADERS

from .conftest import dashboard, served


@pytest.fixture
async def client(address: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=address) as client:
        yield client


async def record(db: Database, *runs: RunInput) -> None:
    assert (await Recorder(db).record(runs)).rejected == []


def run(agent: str, hours_ago: float = 1, **fields: Any) -> RunInput:
    return RunInput(agent=agent, started_at=datetime.now(UTC) - timedelta(hours=hours_ago), **fields)


def lines(response: httpx2.Response) -> list[dict[str, str]]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.text, newline="")))


async def test_runs_are_those_of_the_list_under_the_same_filter(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, run("a", status="FAILED"), run("a"), run("old", hours_ago=30, status="FAILED"))
    found = lines(await client.get("/export/runs.csv", params={"status": "FAILED"}))
    assert [(each["agent"], each["status"]) for each in found] == [("a", "FAILED")]
    assert len(lines(await client.get("/export/runs.csv", params={"status": "FAILED", "range": "7d"}))) == 2


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("runs.csv", "text/csv; charset=utf-8"),
        ("runs.ndjson", "application/x-ndjson"),
        ("runs.parquet", "application/vnd.apache.parquet"),
        ("metrics.csv", "text/csv; charset=utf-8"),
        ("metrics.json", "application/json"),
        ("metrics.parquet", "application/vnd.apache.parquet"),
    ],
)
async def test_file_comes_with_its_type_and_a_name(client: httpx2.AsyncClient, name: str, type_: str) -> None:
    response = await client.get(f"/export/{name}")
    assert response.headers["content-type"] == type_
    stem, ending = name.split(".")
    wanted = rf'attachment; filename="formicary-{stem}-\d{{8}}T\d{{6}}Z\.{ending}"'
    assert re.fullmatch(wanted, response.headers["content-disposition"])


@pytest.mark.parametrize("path", ["/runs", "/runs/search?q=x", "/export/runs.csv", "/export/metrics.json"])
async def test_files_and_searches_are_as_guarded_as_pages(client: httpx2.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


async def test_figures_by_agent_and_day(db: Database, client: httpx2.AsyncClient) -> None:
    await record(db, run("a"), run("b"), run("b"))
    found = lines(await client.get("/export/metrics.csv", params={"by": "agent"}))
    assert [(each["key"], each["runs"]) for each in found] == [("a", "1"), ("b", "2")]
    table = pq.read_table(io.BytesIO((await client.get("/export/metrics.parquet", params={"bucket": "DAY"})).content))
    assert sum(table.column("runs").to_pylist()) == 3


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/export/runs.xlsx", 404, "csv, ndjson, parquet"),
        ("/export/metrics.ndjson", 404, "csv, json, parquet"),
        ("/export/runs.csv?status=LOST", 400, "status: &#39;LOST&#39;"),
        ("/export/runs.csv?range=2y", 400, "range: &#39;2y&#39;"),
        ("/export/metrics.csv?by=colour", 400, "by: &#39;colour&#39; is none of AGENT"),
        ("/export/metrics.csv?bucket=YEAR", 400, "bucket: &#39;YEAR&#39; is none of MINUTE"),
        ("/export/metrics.csv?bucket=MINUTE&range=90d", 400, "at most 10000"),
    ],
)
async def test_what_cannot_be_is_said_before_a_file_begins(
    client: httpx2.AsyncClient, path: str, status: int, message: str
) -> None:
    response = await client.get(path)
    assert response.status_code == status
    assert message in response.text
    assert "content-disposition" not in response.headers


async def test_key_of_one_project_exports_no_other(db: Database) -> None:
    await record(db, run("mine"), RunInput(agent="other", project="shop"))
    _, key = await create_key(db, role=Role.READ, projects=["default"])
    async with served(dashboard(db, is_open=False)) as url, httpx2.AsyncClient(base_url=url) as client:
        headers = {"authorization": f"Bearer {key}"}
        assert [each["agent"] for each in lines(await client.get("/export/runs.csv", headers=headers))] == ["mine"]
        figures = lines(await client.get("/export/metrics.csv?by=AGENT", headers=headers))
        assert [each["key"] for each in figures] == ["mine"]


async def test_file_that_nobody_reads_is_cut_off_and_keeps_others_waiting_no_longer(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is larger than what the system takes on its way to somebody who does not read."""
    noise = [Random(number).randbytes(8_000).hex() for number in range(1_000)]
    await record(db, *(run("a", metadata={"noise": text}) for text in noise))
    monkeypatch.setattr(export, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(export, "LONGEST", timedelta(seconds=0.5))
    async with (
        served(dashboard(db)) as url,
        httpx2.AsyncClient(base_url=url, timeout=30) as client,
        client.stream("GET", "/export/runs.csv") as unread,
    ):
        assert (await client.get("/export/runs.csv?agent=none")).status_code == 429
        while (await client.get("/export/runs.csv?agent=none")).status_code == 429:
            pass
        with pytest.raises(httpx2.RemoteProtocolError):
            await unread.aread()


async def test_asking_for_the_headers_of_a_file_makes_none(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "MOST_AT_ONCE", 0)
    async with served(dashboard(db)) as url, httpx2.AsyncClient(base_url=url) as client:
        assert (await client.get("/export/runs.csv")).status_code == 429
        response = await client.head("/export/runs.csv")
    assert response.status_code == 200
    assert response.headers["content-disposition"].endswith('.csv"')


async def test_files_that_pages_offer_are_there_under_the_filter_of_the_page(
    db: Database, client: httpx2.AsyncClient
) -> None:
    await record(db, run("a", status="FAILED"), run("a"))
    for path in ("/", "/agents", "/agents/1", "/providers", "/runs?status=FAILED"):
        hrefs = [unescape(href) for href in re.findall(r'href="([^"]*)" download', (await client.get(path)).text)]
        assert hrefs
        for href in hrefs:
            assert (await client.get(href)).status_code == 200
    assert "/export/runs.csv?status=FAILED" in hrefs
