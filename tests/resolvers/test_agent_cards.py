"""The agents as they are listed: orders are total, pages neither lose nor repeat any, figures are of the range."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from formicary.db import Database
from formicary.errors import BadInputError
from formicary.ingest.recorder import Recorder
from formicary.resolvers import agent_cards, figures, pheromone_history
from formicary.resolvers.agent_cards import AgentRow, WhichAgents
from formicary.resolvers.agent_orders import ORDERS
from formicary.resolvers.agents import AgentFilter, AgentStatus
from formicary.resolvers.page import PageArgs
from formicary.resolvers.pheromone_history import PheromoneKey
from formicary.resolvers.question import Question
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import HOUR
from formicary.rollups.pheromone_formula import DEFAULT_FORMULA

from ..ingest.factories import NOW, ago, run_input
from ..web.rows import insert_agent, insert_failing_agent

HOUR_AGO = ResolvedRange(NOW - HOUR, NOW + HOUR)

ALL = WhichAgents(range=HOUR_AGO, where=AgentFilter(), order=ORDERS["score"], descending=True, args=PageArgs(first=100))


async def read(db: Database, which: WhichAgents) -> agent_cards.AgentRows:
    return await agent_cards.read(db, None, which, formula=DEFAULT_FORMULA, now=datetime.now(UTC))


async def names(db: Database, order: str, *, descending: bool = False) -> list[str]:
    found = await read(db, replace(ALL, order=ORDERS[order], descending=descending))
    return [row.agent.name for row in found.rows]


async def record_agents(db: Database) -> None:
    """`none` has no runs, `free` runs of unknown cost; the others differ in everything."""
    await insert_agent(db, "none", project="b", version="1.9", pheromone_score=0.5)
    seconds = {"fast": 1, "slow": 9}
    runs = [
        run_input(name, project="a", version="1.10", cost=str(cost), durationMs=1000 * seconds[name], status=status)
        for name, cost, status in (
            ("fast", 1, "SUCCEEDED"),
            ("fast", 1, "SUCCEEDED"),
            ("slow", 30, "SUCCEEDED"),
            ("slow", 30, "FAILED"),
            ("slow", 30, "CANCELLED"),
        )
    ]
    free = [run_input("free", project="a", version="0.1", status="RUNNING") for _ in range(4)]
    old = run_input("fast", project="a", cost="1000", startedAt=ago(7 * 3600).isoformat(), status="FAILED")
    await Recorder(db).record([*runs, *free, old], None)


async def test_figures_are_those_of_the_range_alone(db: Database) -> None:
    await record_agents(db)
    for row in (await read(db, ALL)).rows:
        where = RunFilter(agent_id=(row.agent.id,))
        expected = (await figures.read(db, None, Question(HOUR_AGO, where))).metrics()
        assert row.metrics.sums == expected.sums


@pytest.mark.parametrize(
    ("order", "best", "worst"),
    [
        ("runtime", ["slow", "fast"], ["fast", "slow"]),
        ("success_rate", ["fast", "slow"], ["slow", "fast"]),
        ("spend", ["slow", "fast"], ["fast", "slow"]),
        ("runs", ["free", "slow", "fast"], ["fast", "slow", "free"]),
    ],
)
async def test_agents_whose_figure_is_unknown_come_last_either_way(
    db: Database, order: str, best: list[str], worst: list[str]
) -> None:
    await record_agents(db)
    for descending, known in ((True, best), (False, worst)):
        found = await names(db, order, descending=descending)
        assert found[: len(known)] == known
        assert set(found[len(known) :]) == {"none", "free", "fast", "slow"}.difference(known)


async def test_versions_go_by_their_numbers(db: Database) -> None:
    for version in ("1.10.0", "1.9.2", "10.0", "1.9.10", "2.0.0-rc1"):
        await insert_agent(db, version, version=version)
    assert await names(db, "version") == ["1.9.2", "1.9.10", "1.10.0", "2.0.0-rc1", "10.0"]


async def test_status_goes_by_how_much_it_needs_a_person(db: Database) -> None:
    await insert_agent(db, "idle")
    await insert_agent(db, "off", disabled=True)
    await insert_failing_agent(db, "failing")
    await Recorder(db).record([run_input("busy", status="RUNNING")], None)
    assert await names(db, "status") == ["failing", "busy", "idle", "off"]


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("order", ORDERS)
async def test_pages_of_every_order_hold_each_agent_once(db: Database, order: str, *, descending: bool) -> None:
    await record_agents(db)
    for number in range(3):
        await insert_agent(db, f"same {number}", project="c", last_active_at=NOW, pheromone_score=0.7)
    which = replace(ALL, order=ORDERS[order], descending=descending)
    whole = [row.agent.id for row in (await read(db, which)).rows]
    found: list[AgentRow] = []
    cursor: str | None = None
    for _ in range(4):
        page = await read(db, replace(which, args=PageArgs(first=2, after=cursor)))
        found, cursor = [*found, *page.rows], page.next_cursor
    assert [row.agent.id for row in found] == whole
    assert len(whole) == 7
    assert cursor is None


async def test_cursor_of_another_order_is_refused(db: Database) -> None:
    for name in ("one", "two"):
        await insert_agent(db, name)
    cursor = (await read(db, replace(ALL, args=PageArgs(first=1)))).next_cursor
    with pytest.raises(BadInputError, match="after"):
        await read(db, replace(ALL, order=ORDERS["name"], args=PageArgs(first=1, after=cursor)))


async def test_course_of_a_score_is_that_of_its_history(db: Database) -> None:
    agent_id = await insert_agent(db, "reader")
    await db.execute(
        "INSERT INTO pheromone_hour (agent_id, starts_at, score, runs, quality)"
        " SELECT $1, date_trunc('hour', now(), 'UTC') - n * interval '5 hours', 0.3 + n / 100.0, 1, 0.5"
        " FROM generate_series(1, 40) n",
        agent_id,
    )
    now = datetime.now(UTC)
    since = pheromone_history.first_hour(agent_cards.SCORE_DAYS, now)
    (kept,) = await pheromone_history.kept(db, [PheromoneKey(agent_id, since)])
    hourly = [point.score for point in pheromone_history.points(kept, DEFAULT_FORMULA, since, now)]
    found = await agent_cards.read(db, None, ALL, formula=DEFAULT_FORMULA, now=now)
    assert found.rows[0].scores == hourly[3::4]
    assert len(set(hourly)) > 40


async def test_agents_are_counted_by_status_under_the_filter(db: Database) -> None:
    await insert_agent(db, "reader")
    await insert_failing_agent(db, "broken")
    await insert_failing_agent(db, "broken elsewhere", project="other")
    assert await agent_cards.count_by_status(db, None, AgentFilter()) == {AgentStatus.IDLE: 1, AgentStatus.ERROR: 2}
    assert await agent_cards.count_by_status(db, None, AgentFilter(project="other")) == {AgentStatus.ERROR: 1}


async def test_focus_types_are_those_in_scope_once_each(db: Database) -> None:
    for name, project, focus in (("a", "x", "writing"), ("b", "x", "writing"), ("c", "y", "coding"), ("d", "x", None)):
        await insert_agent(db, name, project=project, focus_type=focus)
    project_id = await db.fetchval("SELECT id FROM project WHERE slug = 'y'")
    assert await agent_cards.focus_types(db, None) == ["coding", "writing"]
    assert await agent_cards.focus_types(db, None, "x") == ["writing"]
    assert await agent_cards.focus_types(db, frozenset({project_id})) == ["coding"]
