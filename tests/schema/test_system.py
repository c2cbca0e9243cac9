"""How the whole is doing."""

import re
from datetime import UTC, datetime
from importlib.metadata import version

from formicary.db import Database
from formicary.rollups.fold import fold
from formicary.rollups.retention import expire_runs
from formicary.worker import NAMES, Journal, LastRun, Leader

from .conftest import Ask

SYSTEM = """{ system {
    version database healthy fault queuedRuns runningRuns agentsWorking unfoldedBatches foldLagSeconds runsSince
    jobs { name lastStartedAt lastFinishedAt lastDurationMs lastError nextAt }
} }"""

AT = datetime(2026, 11, 2, tzinfo=UTC)


async def test_a_new_system_has_nothing_to_do_and_nobody_who_does_it(ask: Ask) -> None:
    system = (await ask(SYSTEM))["system"]
    assert re.fullmatch(r"PostgreSQL \d+(\.\d+)+", system.pop("database"))
    assert [job["name"] for job in system.pop("jobs")] == list(NAMES)
    assert system == {
        "version": version("formicary"),
        "healthy": False,
        "fault": "No process does the background work.",
        "queuedRuns": 0,
        "runningRuns": 0,
        "agentsWorking": 0,
        "unfoldedBatches": 0,
        "foldLagSeconds": 0.0,
        "runsSince": None,
    }


async def test_what_waits_and_what_runs_is_counted_in_the_callers_projects(ask: Ask, record: Ask, db: Database) -> None:
    await record(
        {"status": "RUNNING", "startedAt": "2026-11-01T00:00:00Z"},
        {"status": "RUNNING"},
        {"status": "QUEUED", "agent": "other"},
        {"status": "SUCCEEDED", "agent": "other"},
        {"status": "RUNNING", "agent": "seller", "project": "shop"},
    )
    query = "{ system { queuedRuns runningRuns agentsWorking } }"
    assert (await ask(query))["system"] == {"queuedRuns": 1, "runningRuns": 3, "agentsWorking": 2}
    shop = await db.fetchval("SELECT id FROM project WHERE slug = 'shop'")
    found = await ask(query, frozenset({shop}))
    assert found["system"] == {"queuedRuns": 0, "runningRuns": 1, "agentsWorking": 1}


async def test_jobs_tell_their_last_run_and_health_what_is_wrong(ask: Ask, db: Database) -> None:
    await Leader(db).renew()
    assert (await ask(SYSTEM))["system"]["healthy"] is True
    await Journal(db).end(NAMES[0], LastRun(AT, 1500, "ValueError: x"), datetime.now(UTC))
    system = (await ask(SYSTEM))["system"]
    assert (system["healthy"], system["fault"]) == (
        False,
        f"The last run failed of: {NAMES[0]}. The reason is in the log.",
    )
    job = system["jobs"][0]
    assert job.pop("nextAt")
    assert job == {
        "name": NAMES[0],
        "lastStartedAt": "2026-11-02T00:00:00Z",
        "lastFinishedAt": "2026-11-02T00:00:01.500000Z",
        "lastDurationMs": 1500.0,
        "lastError": "ValueError: x",
    }


async def test_an_error_of_a_job_is_kept_from_who_is_bound_to_projects(ask: Ask, db: Database) -> None:
    await Leader(db).renew()
    await Journal(db).end(NAMES[0], LastRun(AT, 1500, "ValueError: of another project"), datetime.now(UTC))
    query = "{ system { fault jobs { lastStartedAt lastError } } }"
    assert (await ask(query))["system"]["jobs"][0]["lastError"] == "ValueError: of another project"
    bound = (await ask(query, frozenset({1})))["system"]
    assert bound["jobs"][0] == {"lastStartedAt": "2026-11-02T00:00:00Z", "lastError": None}
    assert NAMES[0] in bound["fault"]


async def test_batches_lag_until_they_are_folded(ask: Ask, record: Ask, db: Database) -> None:
    await record({})
    await record({})
    await db.execute("UPDATE run_batch SET recorded_at = recorded_at - interval '1 hour'")
    query = "{ system { unfoldedBatches foldLagSeconds } }"
    system = (await ask(query))["system"]
    assert system["unfoldedBatches"] == 2
    assert 3600 < system["foldLagSeconds"] < 3700
    await fold(db)
    assert (await ask(query))["system"] == {"unfoldedBatches": 0, "foldLagSeconds": 0.0}


async def test_the_horizon_is_told_once_runs_were_dropped(ask: Ask, db: Database) -> None:
    await expire_runs(db, datetime(2026, 10, 26, tzinfo=UTC))
    assert (await ask("{ system { runsSince } }"))["system"] == {"runsSince": "2026-10-26T00:00:00Z"}
