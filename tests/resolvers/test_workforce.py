"""The agents as a whole."""

from datetime import timedelta

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.resolvers import workforce
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.spans import DAY, HOUR
from formicary.rollups.aggregate import settle
from formicary.rollups.retention import expire_runs

from ..ingest.factories import NOW, ago, run_input
from ..web.rows import insert_agent
from .oracle import week

RANGE = ResolvedRange(NOW - DAY, NOW)


async def record(db: Database, agent: str, hours_ago: float, **fields: str) -> None:
    usual = {"status": "SUCCEEDED", "startedAt": ago(3600 * hours_ago).isoformat()}
    await Recorder(db).record([run_input(agent, **usual | fields)], None)


async def test_agents_are_counted_by_what_they_are_and_did(db: Database) -> None:
    await record(db, "now", 1)
    await record(db, "before", 30)
    await record(db, "both", 1)
    await record(db, "both", 47)
    await record(db, "long ago", 49)
    await insert_agent(db, "off", disabled=True)
    found = await workforce.read(db, None, RANGE)
    assert (found.known, found.active, found.ran, found.ran_before) == (5, 4, 2, 2)


async def test_ends_of_the_range_are_exact(db: Database) -> None:
    range_ = ResolvedRange(NOW - timedelta(minutes=90), NOW - timedelta(minutes=30))
    for agent, minutes in (("at the start", 90), ("in it", 31), ("at the end", 30), ("before", 91)):
        await record(db, agent, minutes / 60)
    await settle(db, NOW)
    found = await workforce.read(db, None, range_)
    assert (found.ran, found.ran_before) == (2, 1)


async def test_agents_whose_runs_are_dropped_still_count(db: Database) -> None:
    long_ago = week(NOW) - 2 * DAY
    hours = (NOW - long_ago) / HOUR
    await record(db, "old", hours)
    await settle(db, NOW)
    await expire_runs(db, week(NOW))
    assert await db.fetchval("SELECT count(*) FROM run") == 0
    assert (await workforce.read(db, None, ResolvedRange(long_ago - DAY, NOW))).ran == 1


async def test_unfinished_runs_are_those_at_work_and_those_that_wait(db: Database) -> None:
    for agent, status in (("a", "RUNNING"), ("a", "RUNNING"), ("b", "RUNNING"), ("b", "QUEUED"), ("c", "QUEUED")):
        await record(db, agent, 0.1, status=status)
    found = await workforce.read(db, None, RANGE)
    assert (found.working, found.running, found.queued) == (2, 3, 2)


async def test_best_are_active_agents_that_ever_ran(db: Database) -> None:
    await insert_agent(db, "never", pheromone_score=0.99)
    await insert_agent(db, "off", disabled=True, pheromone_score=0.98, last_active_at=NOW)
    for number in range(7):
        await insert_agent(db, f"agent {number}", pheromone_score=number / 10, last_active_at=NOW)
    best = (await workforce.read(db, None, RANGE)).best
    assert [(agent.name, agent.score) for agent in best] == [(f"agent {n}", n / 10) for n in (6, 5, 4, 3, 2)]


async def test_scope_and_project_bound_what_is_counted(db: Database) -> None:
    await record(db, "mine", 1, project="mine")
    await record(db, "theirs", 0.1, project="theirs", status="RUNNING")
    mine = await db.fetchval("SELECT id FROM project WHERE slug = 'mine'")
    for found in (
        await workforce.read(db, frozenset({mine}), RANGE),
        await workforce.read(db, None, RANGE, project="mine"),
    ):
        assert (found.known, found.ran, found.running, [agent.name for agent in found.best]) == (1, 1, 0, ["mine"])
