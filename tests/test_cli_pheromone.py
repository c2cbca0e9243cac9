"""`formicary pheromone explain`, on cells and against what is stored."""

from datetime import UTC, datetime, timedelta

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.models import RunStatus, Tier
from formicary.rollups.pheromone import update

from .commands import only_line, run
from .rollups.cells import agent, cell, mark

HOUR = timedelta(hours=1)


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def explain(dsn: str, *arguments: str) -> list[str]:
    done = run("pheromone", "explain", *arguments, DATABASE_URL=dsn)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def columns(line: str) -> list[str]:
    return line.split()[2:]


async def test_a_computed_score_is_explained_hour_by_hour(db: Database, dsn: str, settings: Settings) -> None:
    planner, hour = await agent(db), this_hour()
    yesterday = hour.replace(hour=0) - timedelta(days=1)
    await cell(db, planner, yesterday, runs=10, durations_ms=[20], costs=[30 / 1e6])
    await mark(db, planner, yesterday, Tier.DAY)
    await cell(db, planner, hour, runs=3, durations_ms=[20], costs=[15 / 1e6])
    await cell(db, planner, hour, status=RunStatus.FAILED)
    await update(db, settings, datetime.now(UTC))
    (stored,) = await db.fetch("SELECT score, quality FROM pheromone_hour WHERE starts_at = $1", hour)
    headline, *terms, header, _, last = explain(dsn, "planner", "--days", "2")
    assert headline == f"planner has the score {stored['score']:.4f}, computed from its runs; none has reported one."
    assert terms[:3] == [
        "quality = succeeded / runs * (0.7 + 0.2 * duration + 0.1 * cost) / (the weights of what is known)",
        "after = quality + (before - quality) * (1 - 0.05) ^ runs",
        "before = 0.5 + (after - 0.5) * 0.5 ^ (idle hours / 168)",
    ]
    assert header.split()[:3] == ["HOUR", "IDLE", "BEFORE"]
    idle, before, *terms, after = columns(last)
    assert terms == ["4", "3", "0.500", "20", "0.667", "0.000030", f"{3 / 4 * (0.7 + 0.1 + 0.2 / 3):.4f}"]
    assert (idle, after) == (f"{(hour - yesterday) / HOUR - 1:g}", f"{stored['score']:.4f}")
    assert float(before) > 0.5


async def test_a_reported_score_is_said_to_be_one(db: Database, dsn: str, settings: Settings) -> None:
    hour = this_hour()
    planner = await agent(db, score=0.3, at=hour)
    await cell(db, planner, hour, runs=2, scores=[0.3])
    await update(db, settings, datetime.now(UTC))
    headline, *_, last = explain(dsn, "planner")
    assert (
        headline
        == f"planner has the score 0.3000, reported at {hour:%Y-%m-%d %H:%MZ}; from then on nothing is computed."
    )
    assert columns(last) == ["0", "0.5000", "2", "2", "-", "-", "-", "-", "reported", "0.3000"]


async def test_an_agent_without_runs_has_nothing_to_explain(db: Database, dsn: str) -> None:
    await agent(db)
    assert explain(dsn, "planner")[1:] == ["No run of the last 24 hours counts."]


@pytest.mark.usefixtures("db")
def test_an_agent_that_is_not_known_is_said_so(dsn: str) -> None:
    done = run("pheromone", "explain", "nobody", "--project", "shop", DATABASE_URL=dsn)
    assert done.returncode == 1
    assert only_line(done.stderr) == "formicary: there is no agent 'nobody' in the project 'shop'"
