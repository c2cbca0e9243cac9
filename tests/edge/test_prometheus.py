"""What Prometheus is shown at /metrics: exact, the same from every process, never falling, and bounded."""

import asyncio
import gzip
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from formicary.app import create_app
from formicary.auth import Authenticator, create_key
from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models.api_key import Role
from formicary.rollups.fold import fold
from formicary.rollups.recompute import recompute

from ..ingest.factories import run_input
from .serving import listening

PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5"
)
"""What Prometheus accepts."""

Scrape = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def authenticator(db: Database) -> AsyncIterator[Authenticator]:
    authenticator = Authenticator(db, is_open=True)
    yield authenticator
    await authenticator.close()


@pytest.fixture
async def client(settings: Settings, db: Database, authenticator: Authenticator) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(settings, database=db, authenticator=authenticator)
    async with listening(app) as url, httpx2.AsyncClient(base_url=url) as client:
        yield client


async def record(db: Database, *runs: dict[str, Any]) -> None:
    """Record runs, and fold them."""
    await Recorder(db).record([run_input(**{"agent": "scout", **run}) for run in runs])
    await settle(db)


async def settle(db: Database) -> None:
    while await fold(db) or await recompute(db):
        pass


async def scrape(client: httpx2.AsyncClient) -> Scrape:
    response = await client.get("/metrics")
    assert response.status_code == 200
    samples = [sample for family in read_text(response.text) for sample in family.samples]
    found = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(found) == len(samples)
    return found


def of(found: Scrape, name: str, **labels: str) -> float | None:
    return found.get((name, frozenset(labels.items())))


async def test_runs_are_counted_by_status_and_errors_by_type(client: httpx2.AsyncClient, db: Database) -> None:
    failed = {"status": "FAILED", "errorType": "TimeoutError"}
    await record(db, {}, {}, {}, failed, {"status": "TIMED_OUT"}, {"status": "CANCELLED"}, {"status": "RUNNING"})
    found, agent = await scrape(client), "default/scout"
    counts = {"succeeded": 3, "failed": 1, "cancelled": 1, "timed_out": 1}
    for status, count in counts.items():
        assert of(found, "agent_execution_total", agent_id=agent, status=status) == count
    assert of(found, "agent_execution_errors_total", agent_id=agent, error_type="TimeoutError") == 1
    assert of(found, "agent_execution_errors_total", agent_id=agent, error_type="") == 1
    assert of(found, "agent_success_rate", agent_id=agent) == 0.6
    assert of(found, "formicary_agent_info", agent_id=agent, agent="scout", project="default") == 1


async def test_the_buckets_of_durations_are_exact_and_end_on_their_bounds(
    client: httpx2.AsyncClient, db: Database
) -> None:
    bounds = {"0.1": 100, "0.5": 500, "1.0": 1000, "2.0": 2000, "5.0": 5000, "10.0": 10_000, "30.0": 30_000}
    bounds["60.0"] = 60_000
    durations = [ms for bound in bounds.values() for ms in (bound, bound + 1)]
    runs = [{"durationMs": ms, "status": "FAILED" if ms % 2 else "SUCCEEDED"} for ms in durations]
    await record(db, *runs, {"status": "CANCELLED", "durationMs": 1})
    found, name, agent = await scrape(client), "agent_execution_duration_seconds", "default/scout"
    for text, bound in bounds.items():
        within = sum(ms <= bound for ms in durations)
        assert of(found, f"{name}_bucket", agent_id=agent, le=text) == within
    assert of(found, f"{name}_bucket", agent_id=agent, le="+Inf") == len(durations)
    assert of(found, f"{name}_count", agent_id=agent) == len(durations)
    assert of(found, f"{name}_sum", agent_id=agent) == sum(durations) / 1000


async def test_runs_tokens_and_cost_are_counted_by_model_and_provider(client: httpx2.AsyncClient, db: Database) -> None:
    used = {"model": "opus", "provider": "anthropic", "inputTokens": 100, "outputTokens": 7, "cost": "0.25"}
    await record(db, used, used, {})
    found, by = await scrape(client), {"agent_id": "default/scout", "model": "opus", "provider": "anthropic"}
    assert of(found, "formicary_runs_total", **by) == 2
    assert of(found, "formicary_tokens_total", **by, type="input") == 200
    assert of(found, "formicary_tokens_total", **by, type="output") == 14
    assert of(found, "formicary_cost_usd_total", **by) == 0.5
    assert of(found, "formicary_runs_total", agent_id="default/scout", model="", provider="") == 1


async def test_no_counter_falls_when_a_run_is_corrected_and_the_success_rate_is_right(
    client: httpx2.AsyncClient, db: Database
) -> None:
    first = {"status": "FAILED", "externalId": "a", "durationMs": 90, "cost": "2", "errorType": "A", "model": "m"}
    await record(db, first, {})
    before = await scrape(client)
    await record(db, {**first, "durationMs": 70_000, "cost": "1", "errorType": "B", "model": "n"})
    after = await scrape(client)
    counters = {key: value for key, value in before.items() if "_total" in key[0] or "_bucket" in key[0]}
    agents = {key: value for key, value in counters.items() if "http" not in key[0]}
    assert agents
    assert {key for key, value in agents.items() if after[key] < value} == set()
    errors = "agent_execution_errors_total"
    assert of(after, errors, agent_id="default/scout", error_type="B") == 1
    assert of(after, "agent_success_rate", agent_id="default/scout") == 0.5


async def test_a_corrected_run_is_counted_once(client: httpx2.AsyncClient, db: Database) -> None:
    run = {"externalId": "a", "durationMs": 90, "cost": "1"}
    await record(db, run)
    await record(db, {**run, "cost": "3"})
    found = await scrape(client)
    assert of(found, "agent_execution_total", agent_id="default/scout", status="succeeded") == 1
    assert of(found, "formicary_cost_usd_total", agent_id="default/scout", model="", provider="") == 3


async def test_every_process_tells_the_same_and_after_retention_too(
    client: httpx2.AsyncClient, settings: Settings, db: Database, authenticator: Authenticator
) -> None:
    await record(db, *({"durationMs": 10**power} for power in range(6)), {"status": "FAILED"})
    before = _of_agents(await scrape(client))
    await db.execute("DELETE FROM run")
    await db.execute("DELETE FROM run_hour")
    other = await Database.open(db.dsn, settings)
    app = create_app(settings, database=other, authenticator=authenticator)
    async with listening(app) as url, httpx2.AsyncClient(base_url=url) as another:
        assert _of_agents(await scrape(another)) == before
    await other.close()


def _of_agents(found: Scrape) -> Scrape:
    return {key: value for key, value in found.items() if dict(key[1]).get("agent_id")}


async def test_an_agent_without_runs_stands_at_zero(client: httpx2.AsyncClient, db: Database) -> None:
    await record(db, {"status": "RUNNING"})
    found = await scrape(client)
    assert of(found, "agent_execution_total", agent_id="default/scout", status="succeeded") == 0
    assert of(found, "agent_execution_duration_seconds_count", agent_id="default/scout") == 0
    assert of(found, "agent_success_rate", agent_id="default/scout") is None


async def test_names_with_anything_in_them_come_out_whole(client: httpx2.AsyncClient, db: Database) -> None:
    name = 'a "b" \\n c\nü/{x}'
    await record(db, {"agent": name})
    found = await scrape(client)
    assert of(found, "agent_execution_total", agent_id=f"default/{name}", status="succeeded") == 1


async def test_what_is_not_folded_yet_is_told(client: httpx2.AsyncClient, db: Database) -> None:
    await Recorder(db).record([run_input()])
    waiting = await scrape(client)
    assert of(waiting, "formicary_unfolded_batches") == 1
    assert (of(waiting, "formicary_fold_lag_seconds") or 0) > 0
    await settle(db)
    settled = await scrape(client)
    assert (of(settled, "formicary_unfolded_batches"), of(settled, "formicary_fold_lag_seconds")) == (0, 0)


async def test_beyond_the_bound_the_agents_with_the_fewest_runs_are_left_out_and_counted(
    settings: Settings, db: Database, authenticator: Authenticator
) -> None:
    runs = [{"agent": f"a{number:02}"} for number in range(30) for _ in range(2 if number >= 20 else 1)]
    await record(db, *runs)
    few = settings.model_copy(update={"metrics_max_series": 48})
    app = create_app(few, database=db, authenticator=authenticator)
    async with listening(app) as url, httpx2.AsyncClient(base_url=url) as client:
        found = await scrape(client)
        again = await scrape(client)
    shown = {dict(labels)["agent_id"] for name, labels in found if name == "agent_execution_total"}
    assert shown == {f"default/a{number:02}" for number in (*range(20, 30), 0, 1)}
    assert of(found, "formicary_metrics_left_out_series", family="agent_execution_total") == 18 * 4
    assert of(found, "formicary_metrics_left_out_series", family="agent_execution_duration_seconds") == 26 * 11
    assert of(found, "formicary_metrics_left_out_series", family="formicary_runs_total") == 0
    assert _of_agents(again) == _of_agents(found)


async def test_a_key_bound_to_projects_sees_the_agents_of_these(
    client: httpx2.AsyncClient, db: Database, authenticator: Authenticator
) -> None:
    await record(db, {"project": "shop", "errorType": "A", "status": "FAILED"}, {"project": "bank"})
    authenticator.is_open = False
    _, key = await create_key(db, role=Role.READ, projects=["shop"])
    client.headers["authorization"] = f"Bearer {key}"
    agents = {dict(labels)["agent_id"] for _, labels in _of_agents(await scrape(client))}
    assert agents == {"shop/scout"}


async def test_a_closed_server_wants_a_key_that_may_read(
    client: httpx2.AsyncClient, db: Database, authenticator: Authenticator
) -> None:
    authenticator.is_open = False
    assert (await client.get("/metrics")).status_code == 401
    for role, status in ((Role.INGEST, 403), (Role.READ, 200), (Role.ADMIN, 200)):
        _, key = await create_key(db, role=role)
        response = await client.get("/metrics", headers={"authorization": f"Bearer {key}"})
        assert response.status_code == status


async def test_an_open_server_refuses_pages_of_other_origins(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/metrics", headers={"origin": "https://elsewhere.example"})).status_code == 403


async def test_only_a_get_is_answered(client: httpx2.AsyncClient) -> None:
    refused = await client.post("/metrics")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    head = await client.head("/metrics")
    assert (head.status_code, head.content) == (200, b"")


async def test_requests_are_counted_by_endpoint_and_outcome(client: httpx2.AsyncClient) -> None:
    for path in ("/healthz", "/nowhere", "/elsewhere", "/static/none"):
        await client.get(path)
    found, name = await scrape(client), "formicary_http_requests_total"
    assert of(found, name, endpoint="/healthz", status="2xx") == 1
    assert of(found, name, endpoint="pages", status="4xx") == 2
    assert of(found, name, endpoint="/static", status="4xx") == 1
    assert of(found, "formicary_http_request_duration_seconds_count", endpoint="pages") == 2


async def test_prometheus_gets_openmetrics_and_everybody_else_plain_text(client: httpx2.AsyncClient) -> None:
    asked = await client.get("/metrics", headers={"accept": PROMETHEUS})
    assert asked.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert "agent_execution" in {family.name for family in read_openmetrics(asked.text)}
    for accepted in ("*/*", "text/plain", "text/html,*/*;q=0.8", "application/json"):
        plain = await client.get("/metrics", headers={"accept": accepted})
        assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize(
    ("accepted", "zipped"), [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip;q=0", False), ("", False)]
)
async def test_it_comes_zipped_to_whoever_takes_that(client: httpx2.AsyncClient, accepted: str, zipped: bool) -> None:
    async with client.stream("GET", "/metrics", headers={"accept-encoding": accepted}) as response:
        body = b"".join([part async for part in response.aiter_raw()])
        assert response.headers.get("content-encoding") == ("gzip" if zipped else None)
    assert (gzip.decompress(body) if zipped else body).startswith(b"# HELP agent_execution_total")


@pytest.mark.prometheus
async def test_promtool_finds_nothing_wrong(client: httpx2.AsyncClient, db: Database) -> None:
    await record(db, {"model": "m", "durationMs": 5}, {"status": "FAILED", "errorType": "A"})
    text = (await client.get("/metrics")).content
    done = await asyncio.to_thread(
        subprocess.run, ["promtool", "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")


async def test_reading_takes_five_statements_however_many_agents(
    client: httpx2.AsyncClient, db: Database, statements: list[str]
) -> None:
    await record(db, *({"agent": f"a{number}"} for number in range(20)))
    statements.clear()
    await scrape(client)
    assert len([statement for statement in statements if "SELECT" in statement]) == 5
