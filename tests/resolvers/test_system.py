"""Every job is told of, and what is wrong with the background work is said."""

from datetime import UTC, datetime, timedelta

from formicary.db import Database
from formicary.resolvers.system import BackgroundJob, background_jobs, worker_fault
from formicary.worker import NAMES, Journal, LastRun, Leader

NOW = datetime.now(UTC)
AGO = "UPDATE leader SET expires_at = now() - make_interval(secs => $1)"


async def test_a_job_that_has_not_run_is_listed_too(db: Database) -> None:
    jobs = await background_jobs(db)
    assert [job.name for job in jobs] == list(NAMES)
    assert jobs[0] == BackgroundJob(NAMES[0], None, None, None, None, None)


async def test_a_job_tells_its_last_run_and_the_next(db: Database) -> None:
    next_at = NOW + timedelta(hours=1)
    await Journal(db).end(NAMES[-1], LastRun(NOW, 1500, "ValueError: x"), next_at)
    await Journal(db).end("of an older version", LastRun(NOW, 1500, None), next_at)
    *_, last = await background_jobs(db)
    assert last == BackgroundJob(NAMES[-1], NOW, NOW + timedelta(seconds=1.5), 1500, "ValueError: x", next_at)


async def test_that_nobody_does_the_work_is_said_after_a_minute(db: Database) -> None:
    assert await worker_fault(db) == "No process does the background work."
    await Leader(db).renew()
    assert await worker_fault(db) is None
    await db.execute(AGO, 50.0)
    assert await worker_fault(db) is None
    await db.execute(AGO, 70.0)
    assert await worker_fault(db) == "No process does the background work."


async def test_a_job_that_failed_is_named_until_it_does_well_and_its_error_is_not_shown(db: Database) -> None:
    await Leader(db).renew()
    next_at = NOW + timedelta(hours=1)
    await Journal(db).end(NAMES[0], LastRun(NOW, 1, "ValueError: secret"), next_at)
    assert await worker_fault(db) == f"The last run failed of: {NAMES[0]}. The reason is in the log."
    await Journal(db).end(NAMES[0], LastRun(NOW, 1, None), next_at)
    assert await worker_fault(db) is None


async def test_a_job_that_is_overdue_or_hangs_is_named(db: Database) -> None:
    await Leader(db).renew()
    before = NOW - timedelta(minutes=11)
    await Journal(db).end(NAMES[0], LastRun(before, 1, None), before)
    assert await worker_fault(db) == f"Overdue by more than 10 minutes: {NAMES[0]}."
    await Journal(db).begin(NAMES[0], NOW)
    assert await worker_fault(db) is None
