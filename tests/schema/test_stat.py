"""The dashboard's figures, and what they are compared with."""

from datetime import UTC, datetime, timedelta

import pytest

from formicary.db import Database
from formicary.resolvers.change import StatTrend
from formicary.resolvers.stats import Stat, dashboard
from formicary.rollups.fold import fold

from .conftest import Ask

NOW = datetime(2026, 11, 18, 12, 30, tzinfo=UTC)
"""A Wednesday."""

UP, DOWN, FLAT = StatTrend.UP, StatTrend.DOWN, StatTrend.FLAT
THIN = "\u2009"


def run(at: str, agent: str = "a", **more: object) -> dict[str, object]:
    return {"agent": agent, "startedAt": f"2026-11-{at}:00Z", "status": "SUCCEEDED", **more}


async def stats(db: Database, project: str | None = None, now: datetime = NOW) -> dict[str, Stat]:
    return {stat.key: stat for stat in await dashboard(db, None, now, project)}


def told(stat: Stat) -> tuple[str, str, StatTrend, float]:
    return stat.value, stat.change, stat.trend, stat.raw


@pytest.mark.parametrize("folded", [False, True])
async def test_each_figure_is_compared_with_the_same_time_before(folded: bool, record: Ask, db: Database) -> None:
    await record(
        run("18T00:00", cost="0.5"),
        run("18T11:45", "b", cost="1", durationMs=900),
        run("18T12:29", "c", durationMs=1500, status="FAILED"),
        run("18T12:31", "d", cost="9"),  # is still to come
        run("17T12:31", "a", cost="9"),  # later yesterday than it is today
        run("17T12:29", "a", cost="1"),
        run("17T00:00", "a", cost="1", status="CANCELLED"),
        run("18T11:29", "a", durationMs=1600),
        run("18T10:31", "a", durationMs=1600),
        run("11T12:31", "e"),  # in the last 7 days
        run("11T12:29", "f"),
        run("04T12:31", "g"),
        run("04T12:29", "h"),
    )
    if folded:
        await fold(db)
    found = await stats(db)
    assert told(found["active_agents"]) == ("4", "+2", UP, 4.0)
    assert told(found["runs_today"]) == ("5", f"+150.0{THIN}%", UP, 5.0)
    assert told(found["average_response_time"]) == ("1.2 s", f"−25.0{THIN}%", DOWN, 1200.0)
    assert told(found["cost_today"]) == ("$1.50", f"−25.0{THIN}%", DOWN, 1.5)


async def test_nothing_is_no_change_or_unknown(db: Database) -> None:
    found = await stats(db)
    assert told(found["active_agents"]) == ("0", "no change", FLAT, 0.0)
    assert told(found["runs_today"]) == ("0", "no change", FLAT, 0.0)
    assert told(found["average_response_time"]) == ("–", "no data before", FLAT, 0.0)
    assert told(found["cost_today"]) == ("$0.00", "no change", FLAT, 0.0)


async def test_a_change_from_nothing_is_the_figure_itself(record: Ask, db: Database) -> None:
    await record(run("18T12:00", durationMs=20, cost="0.002"), run("18T12:10"))
    found = await stats(db)
    assert told(found["runs_today"]) == ("2", "+2", UP, 2.0)
    assert told(found["average_response_time"]) == ("20 ms", "no data before", FLAT, 20.0)
    assert told(found["cost_today"]) == ("$0.0020", "+$0.0020", UP, 0.002)


async def test_fewer_agents_are_told_by_number(record: Ask, db: Database) -> None:
    await record(run("18T12:00"), *(run("10T00:00", agent) for agent in "abcd"), run("18T11:00", durationMs=5))
    found = await stats(db)
    assert told(found["active_agents"]) == ("1", "−3", DOWN, 1.0)
    assert told(found["average_response_time"]) == ("–", "no data now", FLAT, 0.0)


async def test_a_change_that_rounds_to_nothing_is_none(record: Ask, db: Database) -> None:
    await record(run("18T12:00", cost="100.04"), run("17T12:00", cost="100"))
    assert told((await stats(db))["cost_today"]) == ("$100.04", "no change", FLAT, 100.04)


async def test_just_after_midnight_a_day_is_compared_with_as_little(record: Ask, db: Database) -> None:
    await record(run("17T00:00"), run("17T09:00"), run("18T00:00"))
    midnight = NOW.replace(hour=0, minute=0)
    assert (await stats(db, now=midnight))["runs_today"].value == "0"
    assert told((await stats(db, now=midnight + timedelta(minutes=1)))["runs_today"])[1:3] == ("no change", FLAT)


async def test_a_project_has_its_own(record: Ask, db: Database) -> None:
    await record(run("18T12:00"), run("18T12:00", "seller", project="shop"), run("18T12:00", "buyer", project="shop"))
    assert (await stats(db, "shop"))["active_agents"].value == "2"
    assert (await stats(db, "nowhere"))["active_agents"].value == "0"


async def test_the_api_gives_them_as_of_now(ask: Ask, record: Ask) -> None:
    await record({"durationMs": 1000})
    stats = (await ask("{ stats { key title value change trend icon raw } }"))["stats"]
    assert stats[0] == {
        "key": "active_agents",
        "title": "Active agents",
        "value": "1",
        "change": "+1",
        "trend": "UP",
        "icon": "bot",
        "raw": 1.0,
    }
    assert [stat["key"] for stat in stats[1:]] == ["runs_today", "average_response_time", "cost_today"]
