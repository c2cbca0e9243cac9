"""What happened last: runs as what their agents did."""

from typing import Any

import pytest

from .conftest import Ask

RECENT = """query ($first: Int, $filter: RunFilter) {
    recentActivity(first: $first, filter: $filter) {
        id action status at durationMs cost agent { name } run { externalId }
    }
}"""

ACTIONS = {
    "QUEUED": "was queued",
    "RUNNING": "started",
    "SUCCEEDED": "completed",
    "FAILED": "failed",
    "CANCELLED": "was cancelled",
    "TIMED_OUT": "timed out",
}


@pytest.fixture
async def runs(record: Ask) -> None:
    await record(
        *(
            {
                "externalId": status,
                "status": status,
                "startedAt": f"2026-11-02T0{hour}:00:00Z",
                "agent": f"agent-{hour}",
            }
            for hour, status in enumerate(ACTIONS)
        ),
        {"externalId": "last", "startedAt": "2026-11-03T00:00:00Z", "durationMs": 1200, "cost": "0.5"},
    )


async def recent(ask: Ask, **variables: object) -> Any:
    return (await ask(RECENT, **variables))["recentActivity"]


@pytest.mark.usefixtures("runs")
async def test_the_newest_comes_first_and_says_what_was_done(ask: Ask) -> None:
    last, *others = await recent(ask)
    assert len(last.pop("id")) > 10
    assert last == {
        "action": "completed",
        "status": "SUCCEEDED",
        "at": "2026-11-03T00:00:00Z",
        "durationMs": 1200.0,
        "cost": "0.5",
        "agent": {"name": "planner"},
        "run": {"externalId": "last"},
    }
    assert [(each["status"], each["action"]) for each in others] == list(ACTIONS.items())[::-1]


@pytest.mark.usefixtures("runs")
async def test_activity_can_be_filtered_and_cut(ask: Ask) -> None:
    assert [each["status"] for each in await recent(ask, first=2)] == ["SUCCEEDED", "TIMED_OUT"]
    assert [each["status"] for each in await recent(ask, filter={"agent": ["agent-3"]})] == ["FAILED"]
    assert await recent(ask, first=0) == []


@pytest.mark.usefixtures("runs")
async def test_agents_are_read_together(ask: Ask, statements: list[str]) -> None:
    statements.clear()
    await recent(ask)
    assert len(statements) == 2


async def test_there_are_twenty_if_nobody_says(ask: Ask, record: Ask) -> None:
    await record(*[{}] * 21)
    activities = await recent(ask)
    assert len({each["id"] for each in activities}) == len(activities) == 20


@pytest.mark.parametrize("first", [-1, 501])
async def test_a_size_beyond_the_limits_is_refused(first: int, answer: Ask) -> None:
    assert (await answer(RECENT, first=first)).codes & {"BAD_USER_INPUT", "LIMIT_EXCEEDED"}
