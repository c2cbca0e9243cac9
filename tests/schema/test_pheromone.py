"""The history of a score over the API."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.rollups.aggregate import settle
from formicary.rollups.pheromone import update

from ..rollups.cells import agent, pheromone_hour
from .conftest import Ask

HISTORY = """query ($days: Int) {
    agents(first: 10, orderBy: {field: NAME}) { nodes { pheromoneHistory(days: $days) { from to score interactions } } }
}"""
ONE = """query ($days: Int) { agent(name: "planner") { pheromoneHistory(days: $days) { score } } }"""

UPDATE = "mutation ($input: UpdateAgentInput!) { updateAgent(input: $input) { __typename } }"


def this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


async def histories(ask: Ask, **variables: Any) -> list[list[dict[str, Any]]]:
    data = await ask(HISTORY, **variables)
    return [node["pheromoneHistory"] for node in data["agents"]["nodes"]]


async def test_a_history_is_told_by_the_hour(db: Database, ask: Ask) -> None:
    hour = this_hour() - timedelta(hours=5)
    await pheromone_hour(db, await agent(db), hour, score=0.875, runs=12, quality=None)
    (points,) = await histories(ask)
    assert len(points) == 7 * 24
    (point,) = [point for point in points if point["interactions"]]
    start, end = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (hour, hour + timedelta(hours=1)))
    assert point == {"from": start, "to": end, "score": 0.875, "interactions": 12}


@pytest.mark.parametrize(("days", "points"), [(1, 24), (90, 2160), (None, 168)])
async def test_a_history_is_as_long_as_asked_for(db: Database, ask: Ask, days: int | None, points: int) -> None:
    await agent(db)
    assert [len(history) for history in await histories(ask, days=days)] == [points]


@pytest.mark.parametrize("days", [0, 91, -3])
async def test_another_length_is_refused(db: Database, answer: Any, days: int) -> None:
    await agent(db)
    result = await answer(ONE, days=days)
    assert result.codes == {"BAD_USER_INPUT"}
    assert result.errors[0]["message"] == f"days: {days} is not between 1 and 90."


async def test_agents_are_read_by_one_statement(db: Database, ask: Ask, statements: list[str]) -> None:
    for number in range(5):
        await pheromone_hour(db, await agent(db, f"agent {number}"), this_hour(), score=number / 10)
    statements.clear()
    assert [points[-1]["score"] for points in await histories(ask, days=1)] == [0, 0.1, 0.2, 0.3, 0.4]
    assert sum("pheromone_hour" in statement for statement in statements) == 1


async def test_a_history_costs_what_it_holds(db: Database, answer: Any) -> None:
    await agent(db)
    result = await answer(HISTORY.replace("first: 10", "first: 100"), days=90)
    assert "up to 216" in result.errors[0]["message"]


async def test_a_score_that_was_set_is_kept_whatever_the_runs_are(
    db: Database, ask: Ask, record: Ask, settings: Settings
) -> None:
    now = datetime.now(UTC)
    await record(*({"status": "FAILED", "startedAt": now.isoformat()} for _ in range(5)))
    await settle(db, now)
    await update(db, settings, now)
    read = '{ agent(name: "planner") { id pheromoneScore pheromoneHistory(days: 1) { score interactions } } }'
    (computed,) = (await ask(read)).values()
    assert computed["pheromoneScore"] == pytest.approx(0.5 * 0.95**5, abs=1e-6)
    assert sum(point["interactions"] for point in computed["pheromoneHistory"]) == 5
    await ask(UPDATE, input={"agentId": computed["id"], "pheromoneScore": 0.9})
    await record({"status": "FAILED", "startedAt": now.isoformat()})
    await settle(db, now)
    await update(db, settings, now)
    (given,) = (await ask(read)).values()
    assert given["pheromoneScore"] == 0.9
    assert given["pheromoneHistory"][-1]["score"] == 0.9
