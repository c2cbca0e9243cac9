"""The system page over HTTP: what it says of the server, and what it does not."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import SecretStr

from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role
from formicary.resolvers.storage import storage
from formicary.worker.jobs import NAMES
from formicary_web.formats import size
from formicary_web.system_jobs import PURPOSES
from formicary_web.system_server import shown

from .logging_in import Site, key_of
from .logging_in import site as served_site
from .rows import insert_agent, seconds_ago

RECORD = "mutation ($input: RecordRunsInput!) { recordRuns(input: $input) { recorded } }"


@pytest.fixture
async def open_site(db: Database, settings: Settings) -> AsyncIterator[Site]:
    async with served_site(db, settings, is_open=True) as site:
        yield site


async def note_job(db: Database, name: str, *, error: str | None = None) -> None:
    started = seconds_ago(90)
    await db.execute(
        "INSERT INTO background_job (name, last_started_at, last_finished_at, last_duration_ms, last_error, next_at)"
        " VALUES ($1, $2, $3, 1500, $4, $5)",
        *(name, started, started + timedelta(seconds=1.5), error, seconds_ago(-60)),
    )


async def elect(db: Database) -> None:
    await db.execute(
        "INSERT INTO leader (name, holder, elected_at, expires_at)"
        " VALUES ('worker', 'w', now(), now() + interval '1 h')"
    )


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def stat(html: str, title: str) -> str:
    match = re.search(rf'<span class="stat-title">{title}</span>\s*<span class="stat-value">(.*?)</span>', html)
    assert match
    return match[1]


async def test_waiting_and_running_runs_lead_to_as_many(open_site: Site) -> None:
    runs = [{"agent": f"a{i}", "status": status} for status in ("QUEUED", "RUNNING") for i in range(2)]
    await open_site.browser.post("/graphql", json={"query": RECORD, "variables": {"input": {"runs": [*runs, runs[0]]}}})
    page = (await open_site.page("/system?project=nowhere")).text
    assert [stat(page, title) for title in ("Queued", "Running", "Agents working")] == ["3", "2", "2"]
    assert 'href="/runs?status=QUEUED&amp;range=90d"' in page or 'href="/runs?range=90d&amp;status=QUEUED"' in page


async def test_health_is_said_in_words_and_in_the_title(db: Database, open_site: Site) -> None:
    away = (await open_site.page("/system")).text
    assert "No process does the background work." in away
    assert "<title>(!) System" in away
    await elect(db)
    well = (await open_site.page("/system")).text
    assert "All is well." in well
    assert "<title>System" in well


async def test_job_shows_how_it_went_the_last_time(db: Database, open_site: Site) -> None:
    await note_job(db, "retention")
    rows = words((await open_site.page("/system")).text)
    assert re.search(r"Retention drops runs and figures older than is kept OK 1 min ago 1\.5 s", rows)
    assert re.search(r"Partition upkeep makes tables for the weeks ahead Has not run yet – –", rows)


def test_every_job_says_what_it_does() -> None:
    assert set(PURPOSES) == set(NAMES)


async def test_error_of_a_job_is_for_who_may_see_every_project(db: Database, settings: Settings) -> None:
    await insert_agent(db, project="red")
    await note_job(db, "fold", error="KeyError: 'blue <b>'")
    async with served_site(db, settings) as site:
        await site.log_in(await key_of(db, Role.READ))
        assert "KeyError: &#39;blue &lt;b&gt;&#39;" in (await site.page("/system")).text
        site.browser.cookies.clear()
        await site.log_in(await key_of(db, Role.ADMIN, "red"))
        bound = (await site.page("/system")).text
    assert "KeyError" not in bound
    assert "Failed" in bound
    assert "FORMICARY_" not in bound
    assert "Storage" not in bound


async def test_tables_and_partitions_are_all_counted(db: Database) -> None:
    found = await storage(db)
    [run] = [table for table in found.tables if table.whole.name == "run"]
    assert run.whole.bytes == sum(part.bytes for part in run.partitions)
    assert len(run.partitions) == await db.fetchval(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'run'::regclass"
    )
    assert found.bytes == await db.fetchval("SELECT pg_database_size(current_database())")
    assert found.bytes > sum(table.whole.bytes for table in found.tables) > 0


async def test_page_holds_no_secret(db: Database, settings: Settings, dsn: str) -> None:
    secret = "postgresql://me:hunter2@db.example.org/x"
    settings = settings.model_copy(update={"database_url": SecretStr(secret), "direct_url": SecretStr(secret)})
    async with served_site(db, settings, is_open=True) as site:
        page = (await site.page("/system")).text
    assert "hunter2" not in page
    assert "FORMICARY_POOL_SIZE" in page
    assert not {"FORMICARY_DATABASE_URL", "FORMICARY_DIRECT_URL"} & set(re.findall(r"FORMICARY_\w+", page))


def test_setting_that_somebody_chose_is_told_from_a_default() -> None:
    chosen = {setting.variable for setting in shown(Settings(pool_size=3)) if not setting.is_default}
    assert "FORMICARY_POOL_SIZE" in chosen
    assert "FORMICARY_POOL_TIMEOUT" not in chosen


@pytest.mark.parametrize(
    ("count", "written"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (999_499, "999 kB"), (999_501, "1.0 MB"), (3 * 10**13, "30.0 TB")],
)
def test_size_is_written_in_its_unit(count: int, written: str) -> None:
    assert size(count).replace("\u2009", " ").replace("\u202f", " ") == written


async def test_unexpected_error_is_a_page_that_says_so_once(db: Database, open_site: Site) -> None:
    await db.execute("ALTER TABLE background_job RENAME TO away")
    broken = await open_site.page("/system")
    assert broken.status_code == 500
    assert re.search(r"<h1>Something went wrong</h1>\s*<p>The fault is on this side\.", broken.text)
    assert re.search(r"Error <code>\w+</code>, to be found in the log\.", broken.text)
