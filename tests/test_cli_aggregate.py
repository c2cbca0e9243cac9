"""`formicary aggregate` makes stored figures anew."""

import re
from datetime import UTC, datetime

import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput

from .commands import only_line, run

AT = datetime(2026, 11, 2, 10, 10, tzinfo=UTC)


@pytest.fixture
async def _recorded(db: Database) -> None:
    await Recorder(db).record([RunInput(agent="planner", started_at=AT), RunInput(agent="other", started_at=AT)])


async def held(db: Database) -> int:
    return int(await db.fetchval("SELECT count(*) FROM run_hour"))


@pytest.mark.usefixtures("_recorded")
async def test_the_hours_of_a_range_are_made_anew_and_told(db: Database, dsn: str) -> None:
    done = run("aggregate", "--from", "2026-11-02T10:30", "--to", "2026-11-02T11:30Z", DATABASE_URL=dsn)
    assert (done.returncode, done.stderr) == (0, "")
    told = only_line(done.stdout)
    assert re.fullmatch(r"Made anew from 2026-11-02 10:00 to 2026-11-02 12:00 UTC: 4 cells in \d+ ms\.", told)
    assert await held(db) == 2


@pytest.mark.usefixtures("_recorded")
async def test_one_agent_can_be_named(db: Database, dsn: str) -> None:
    await db.execute("DELETE FROM run_batch")
    done = run("aggregate", "--from", "2026-11-02", "--agent", "planner", DATABASE_URL=dsn)
    assert (done.returncode, await held(db)) == (0, 1)
    unknown = run("aggregate", "--from", "2026-11-02", "--agent", "planner", "--project", "shop", DATABASE_URL=dsn)
    assert unknown.returncode == 1
    assert "there is no agent 'planner' in the project 'shop'" in only_line(unknown.stderr)


def test_what_is_no_instant_or_range_is_refused(dsn: str) -> None:
    wrong = run("aggregate", "--from", "yesterday", DATABASE_URL=dsn)
    assert (wrong.returncode, "'yesterday' is not an instant" in wrong.stderr) == (2, True)
    backwards = run("aggregate", "--from", "2026-11-03", "--to", "2026-11-02", DATABASE_URL=dsn)
    assert (backwards.returncode, "is after" in only_line(backwards.stderr)) == (1, True)
