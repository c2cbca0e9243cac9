"""What needs attention is found, and nothing else."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.demo.loading import load
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput
from formicary.resolvers import attention
from formicary.resolvers.attention import (
    FailingAgent,
    Finding,
    FirstError,
    Outage,
    SilentAgent,
    Spending,
    WorseVersion,
)
from formicary.resolvers.scope import Scope
from formicary.resolvers.spans import HOUR, floor
from formicary.rollups import pheromone
from formicary.rollups.aggregate import settle

from ..ingest.factories import NOW, ago, run_input

WEEK_OF_HOURS = range(1, 160)
PER_HOUR = 10


async def found(
    db: Database, runs: Iterable[RunInput], *, scope: Scope = None, project: str | None = None
) -> list[Finding]:
    await Recorder(db).record(list(runs), None)
    await settle(db, NOW)
    await pheromone.update(db, Settings(), NOW)
    return await attention.read(db, scope, NOW, project=project)


def hour_of(hours_ago: int, runs: int = PER_HOUR, *, failing: int = 0, **fields: Any) -> list[RunInput]:
    """Runs of one full hour, the first ones of which fail."""
    start = floor(NOW, HOUR) - hours_ago * HOUR
    good: dict[str, Any] = {"status": "SUCCEEDED", "durationMs": 1_000, "cost": "0.10", "provider": "openai"}
    bad = good | {"status": "FAILED", "errorType": "ToolError", "errorMessage": "the tool broke"}
    times = [(start + timedelta(minutes=5 * number)).isoformat() for number in range(runs)]
    return [
        run_input(**(bad if number < failing else good) | {"startedAt": at} | fields) for number, at in enumerate(times)
    ]


def calm(hours: Iterable[int] = WEEK_OF_HOURS, **fields: Any) -> list[RunInput]:
    """One of fifty runs fails, now and then two in an hour."""
    return [
        run
        for hours_ago in hours
        for run in hour_of(hours_ago, failing=2 if hours_ago % 19 == 0 else hours_ago % 9 == 0, **fields)
    ]


async def test_of_healthy_agents_nothing_is_said(db: Database) -> None:
    runs = calm() + calm(agent="writer", provider="anthropic", cost="0.02")
    assert await found(db, runs) == []


async def test_of_nothing_nothing_is_said(db: Database) -> None:
    assert await found(db, []) == []


async def test_what_went_wrong_in_the_sample_data_is_found_and_nothing_else(db: Database) -> None:
    await load(db, now=NOW, progress=lambda *_: None)
    findings = await found(db, [])
    assert [type(finding) for finding in findings] == [FailingAgent, WorseVersion, Outage, Spending]
    failing, version, outage, spending = findings
    assert isinstance(failing, FailingAgent)
    assert isinstance(version, WorseVersion)
    assert isinstance(outage, Outage)
    assert isinstance(spending, Spending)
    assert failing.agent == version.agent == "Refund assistant"
    assert (version.version, version.before) == ("2.5.0", "2.4.0")
    assert (outage.provider, spending.agent) == ("gcp.gemini", "Market researcher")
    assert timedelta(hours=45) < NOW - outage.to < timedelta(hours=48)
    assert timedelta(hours=49) <= NOW - outage.from_ < timedelta(hours=52)
    assert spending.cost > 5 * spending.usual


async def test_failing_agent_is_found_with_its_failures_since_the_last_success(db: Database) -> None:
    runs = [
        run_input(startedAt=ago(seconds).isoformat(), status=status, errorType=type_)
        for seconds, status, type_ in (
            (90, "SUCCEEDED", None),
            (60, "FAILED", "A"),
            (50, "TIMED_OUT", "B"),
            (40, "FAILED", "C"),
        )
    ]
    [finding] = await found(db, runs)
    assert isinstance(finding, FailingAgent)
    assert (finding.agent, finding.failures, finding.since) == ("reader", 3, ago(90))
    assert finding.error_type == "C"


async def test_disabled_agent_is_left_alone(db: Database) -> None:
    await Recorder(db).record(hour_of(1, 4, failing=4), None)
    await db.execute("UPDATE agent SET disabled = true")
    assert await found(db, []) == []


async def test_version_that_fails_more_is_found(db: Database) -> None:
    new = [run for hours_ago in range(1, 20) for run in hour_of(hours_ago, failing=3, version="2")]
    [finding] = await found(db, calm(range(20, 160), version="1") + new)
    assert isinstance(finding, WorseVersion)
    assert (finding.version, finding.before, finding.finished, finding.failed) == ("2", "1", 190, 57)
    assert finding.fails_more
    assert finding.p50_ms is None


async def test_version_that_fails_a_little_more_is_not_found(db: Database) -> None:
    new = [run for hours_ago in range(1, 20) for run in hour_of(hours_ago, failing=hours_ago % 2, version="2")]
    assert await found(db, calm(range(20, 160), version="1") + new) == []


async def test_version_that_is_slower_is_found_with_its_medians(db: Database) -> None:
    findings = await found(db, calm(range(20, 160), version="1") + calm(range(1, 20), version="2", durationMs=4_000))
    [finding] = findings
    assert isinstance(finding, WorseVersion)
    assert not finding.fails_more
    assert finding.p50_ms == pytest.approx(4_000, rel=0.01)
    assert finding.p50_ms_before == pytest.approx(1_000, rel=0.01)


async def test_version_with_few_long_runs_is_not_slower(db: Database) -> None:
    long = [run for hours_ago in range(1, 20) for run in hour_of(hours_ago, 2, version="2", durationMs=60_000)]
    assert await found(db, calm(range(20, 160), version="1") + calm(range(1, 20), version="2") + long) == []


async def test_version_of_few_runs_is_not_judged(db: Database) -> None:
    findings = await found(db, calm(range(3, 160), version="1") + hour_of(2, 10, failing=4, version="2"))
    assert [finding for finding in findings if isinstance(finding, WorseVersion)] == []


async def test_outage_is_found_from_its_first_hour_to_its_last(db: Database) -> None:
    hours = [hours_ago for hours_ago in WEEK_OF_HOURS if hours_ago not in {50, 51, 52}]
    both: list[dict[str, Any]] = [{"agent": "reader"}, {"agent": "writer"}]
    runs = [run for fields in both for run in calm(hours, **fields)]
    struck = [run for hours_ago in (50, 51, 52) for fields in both for run in hour_of(hours_ago, failing=8, **fields)]
    [finding] = await found(db, runs + struck + calm(agent="other", provider="anthropic"))
    assert isinstance(finding, Outage)
    assert (finding.provider, finding.finished, finding.failed, finding.goes_on) == ("openai", 60, 48, False)
    assert (finding.from_, finding.to) == (floor(NOW, HOUR) - 52 * HOUR, floor(NOW, HOUR) - 49 * HOUR)
    assert finding.usual < 0.1


async def test_outage_that_goes_on_comes_first(db: Database) -> None:
    both: list[dict[str, Any]] = [{"agent": "reader"}, {"agent": "writer"}]
    runs = [run for fields in both for run in calm(range(2, 160), **fields) + hour_of(1, failing=8, **fields)]
    findings = await found(db, [*runs, *hour_of(120, 1, agent="old"), *calm(range(30, 160), agent="quiet")])
    assert [type(finding) for finding in findings] == [Outage, SilentAgent]
    assert isinstance(findings[0], Outage)
    assert findings[0].goes_on


async def test_agent_that_fails_alone_is_no_outage(db: Database) -> None:
    runs = calm(agent="writer") + calm(range(4, 160)) + [r for h in (2, 3) for r in hour_of(h, failing=9)] + hour_of(1)
    assert [finding for finding in await found(db, runs) if isinstance(finding, Outage)] == []


async def test_spending_is_found_with_what_it_usually_is(db: Database) -> None:
    hours = [hours_ago for hours_ago in WEEK_OF_HOURS if hours_ago not in {30, 31}]
    dear = [run for hours_ago in (30, 31) for run in hour_of(hours_ago, cost="1.00")]
    [finding] = await found(db, calm(hours) + dear)
    assert isinstance(finding, Spending)
    assert (finding.agent, finding.cost, finding.goes_on) == ("reader", Decimal(20), False)
    assert Decimal(2) < finding.usual < Decimal("2.4")
    assert (finding.from_, finding.to) == (floor(NOW, HOUR) - 31 * HOUR, floor(NOW, HOUR) - 29 * HOUR)


async def test_error_that_an_agent_never_had_is_found(db: Database) -> None:
    new = [
        run
        for hours_ago in (3, 4, 5)
        for run in hour_of(hours_ago, 1, failing=1, errorType="Odd", errorMessage="is odd 7")
    ]
    [finding] = await found(db, calm() + new)
    assert isinstance(finding, FirstError)
    assert (finding.agent, finding.error_type, finding.message, finding.runs) == ("reader", "Odd", "is odd 7", 3)
    assert finding.first_at == floor(NOW, HOUR) - 5 * HOUR


async def test_errors_of_a_new_agent_are_not_new(db: Database) -> None:
    assert await found(db, calm(range(1, 60)) + hour_of(3, 1, failing=1, errorMessage="odd")) == []


async def test_agent_that_stopped_is_found(db: Database) -> None:
    [finding] = await found(db, calm() + calm(range(9, 160), agent="writer"))
    assert isinstance(finding, SilentAgent)
    assert (finding.agent, finding.longest) == ("writer", HOUR)


async def test_pause_that_is_usual_is_not_silence(db: Database) -> None:
    by_day = [hours_ago for hours_ago in range(9, 160) if (hours_ago - 9) % 24 < 12]
    assert await found(db, calm() + calm(by_day, agent="writer")) == []


async def test_scope_and_project_bound_what_is_seen(db: Database) -> None:
    await found(db, hour_of(1, 4, failing=4, project="mine") + hour_of(1, 4, failing=4, project="theirs"))
    mine = await db.fetchval("SELECT id FROM project WHERE slug = 'mine'")
    assert len(await attention.read(db, None, NOW)) == 2
    assert len(await attention.read(db, None, NOW, project="mine")) == 1
    assert len(await attention.read(db, frozenset({mine}), NOW)) == 1
    assert await attention.read(db, frozenset({mine}), NOW, project="theirs") == []
    assert await attention.read(db, frozenset(), NOW) == []


async def test_it_takes_one_statement(db: Database, statements: list[str]) -> None:
    statements.clear()
    await attention.read(db, None, NOW)
    assert len(statements) == 1
