"""Trends: halves of the runs against each other, by the very definition, wherever the runs are kept."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from formicary.db import Database
from formicary.rollups.aggregate import settle
from formicary.rollups.fold import fold
from formicary.rollups.retention import expire_runs

from .conftest import Ask

START = datetime(2026, 11, 2, tzinfo=UTC)
WEEK = {"from": "2026-11-02T00:00:00Z", "to": "2026-11-09T00:00:00Z"}

TREND = 'query ($range: TimeRange) { agent(name: "planner") { trend(range: $range) } }'

STATUS = {"+": "SUCCEEDED", "-": "FAILED", "t": "TIMED_OUT", "c": "CANCELLED", "q": "QUEUED", "r": "RUNNING"}


def runs(outcomes: str, minutes: float = 7, **more: object) -> list[dict[str, object]]:
    """Runs that started one after the other."""
    return [
        {"status": STATUS[sign], "startedAt": (START + place * timedelta(minutes=minutes)).isoformat(), **more}
        for place, sign in enumerate(outcomes)
    ]


async def trend(ask: Ask, range_: Any = WEEK) -> Any:
    return (await ask(TREND, range=range_))["agent"]["trend"]


def expected(outcomes: str) -> str:
    """By the definition, in whole numbers."""
    counted = [sign for sign in outcomes if sign in "+-t"]
    if len(counted) < 10:
        return "INSUFFICIENT_DATA" if counted else "NO_DATA"
    half = len(counted) // 2
    first, second = counted[:half], counted[half:]
    change = 20 * (second.count("+") * len(first) - first.count("+") * len(second))
    least = len(first) * len(second)
    return "IMPROVING" if change > least else "DECLINING" if change < -least else "STABLE"


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ("", "NO_DATA"),
        ("cq", "NO_DATA"),
        ("+", "INSUFFICIENT_DATA"),
        ("+++++++++cccrq", "INSUFFICIENT_DATA"),
        ("----+" + "+++++", "IMPROVING"),
        ("+++++" + "++++t", "DECLINING"),
        ("+-+-+" + "+-+-+", "STABLE"),
        ("+++-" * 5 + "++++-" * 4, "STABLE"),  # 15 of 20 against 16 of 20: exactly 5 points
        ("++++-" * 4 + "+++-" * 5, "STABLE"),
        ("+++-" * 5 + "++++-" * 4 + "+", "IMPROVING"),  # 15 of 20 against 17 of 21
        ("c+-q+-c" * 2 + "r++++++c", "IMPROVING"),
        ("-----" + "-+++++", "IMPROVING"),  # of 11 the first half has 5
    ],
)
async def test_a_trend_is_of_the_halves_of_the_runs(outcomes: str, found: str, ask: Ask, record: Ask) -> None:
    await record(*runs(outcomes), {"agent": "planner", "startedAt": "2026-11-01T23:59:59Z"})
    assert await trend(ask) == found == expected(outcomes)


@pytest.mark.parametrize("seed", range(4))
async def test_stored_and_unfolded_runs_make_the_trend_that_all_of_them_make(
    seed: int, ask: Ask, record: Ask, db: Database
) -> None:
    chance = random.Random(seed)
    outcomes = "".join(chance.choice("+++++-t-cr") for _ in range(chance.randrange(60, 200)))
    batch = runs(outcomes, minutes=3)
    for place, run in enumerate(batch):
        run["externalId"] = str(place)
    chance.shuffle(batch)
    third = len(batch) // 3
    await record(*batch[:third])
    await settle(db, datetime.now(UTC))
    await record(*batch[third : 2 * third])
    await fold(db)
    await record(*batch[2 * third :], {**batch[0], "messages": 7})
    whole = {"from": WEEK["from"], "to": (START + timedelta(minutes=3 * len(outcomes))).isoformat()}
    assert await trend(ask, whole) == expected(outcomes)
    cut = {"from": (START + timedelta(minutes=31)).isoformat(), "to": (START + timedelta(minutes=152)).isoformat()}
    assert await trend(ask, cut) == expected(outcomes[11:51])


async def test_runs_of_the_same_instant_are_ordered_by_when_they_were_recorded(ask: Ask, record: Ask) -> None:
    await record(*runs("-----" + "+++++", minutes=0))
    assert await trend(ask) == "IMPROVING"


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [("+-" * 30, "STABLE"), ("-" * 30 + "+" * 30, "IMPROVING"), ("+" * 40 + "-" * 20, "DECLINING")],
)
async def test_a_trend_outlives_its_runs(outcomes: str, found: str, ask: Ask, record: Ask, db: Database) -> None:
    await record(*runs(outcomes))
    await settle(db, datetime.now(UTC))
    await expire_runs(db, datetime(2026, 11, 9, tzinfo=UTC))
    assert await db.fetchval("SELECT count(*) FROM run") == 0
    assert await trend(ask) == found


async def test_the_hour_that_is_split_in_proportion_is_the_one_where_the_first_half_ends(
    ask: Ask, record: Ask, db: Database
) -> None:
    # Twelve in one hour: eight succeeded, and so four of the first six, which is the rate of the others as well.
    await record(*runs("++++++++----", minutes=5))
    assert await trend(ask) == "DECLINING"
    await settle(db, datetime.now(UTC))
    await expire_runs(db, datetime(2026, 11, 9, tzinfo=UTC))
    assert await trend(ask) == "STABLE"


async def test_many_agents_take_one_statement(ask: Ask, record: Ask, statements: list[str]) -> None:
    await record(*runs("-----+++++", agent="a"), *runs("+++++-----", agent="b"), *runs("+", agent="c"))
    statements.clear()
    agents = (await ask("query ($range: TimeRange) { agents { nodes { trend(range: $range) } } }", range=WEEK))[
        "agents"
    ]
    assert [agent["trend"] for agent in agents["nodes"]] == ["IMPROVING", "DECLINING", "INSUFFICIENT_DATA"]
    assert sum("run_hour" in statement for statement in statements) == 1
    assert len([statement for statement in statements if "SELECT" in statement]) == 3  # agents, horizon, trends
