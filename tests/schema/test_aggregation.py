"""Stored figures made anew on demand."""

from datetime import UTC, datetime
from typing import Any

from formicary.auth import Access, Principal
from formicary.db import Database
from formicary.models import Role
from formicary.rollups.aggregate import settle
from formicary.rollups.retention import expire_runs
from formicary.schema.access import access_of

from .conftest import Ask

AGGREGATE = """mutation ($input: AggregateInput!) { aggregate(input: $input) { from to buckets durationMs } }"""

STORED = """query ($range: TimeRange) { metrics(range: $range, source: STORED) { runs messages } }"""

DAY = {"from": "2026-11-02T00:00:00Z", "to": "2026-11-03T00:00:00Z"}

SPOIL = "UPDATE run_hour SET runs = runs + 5, messages = messages * 10"


async def aggregate(ask: Ask, **what: object) -> Any:
    return (await ask(AGGREGATE, input=what))["aggregate"]


async def stored(ask: Ask, range_: Any = DAY) -> Any:
    return (await ask(STORED, range=range_))["metrics"]


async def runs(record: Ask) -> None:
    await record(
        {"startedAt": "2026-11-02T10:10:00Z", "messages": 3},
        {"startedAt": "2026-11-02T10:50:00Z", "messages": 4, "status": "FAILED"},
        {"startedAt": "2026-11-02T12:00:00Z", "agent": "other"},
    )


async def test_what_was_wrong_is_right_again(ask: Ask, record: Ask, db: Database) -> None:
    await runs(record)
    await settle(db, datetime.now(UTC))
    await db.execute(SPOIL)
    await db.execute("DELETE FROM run_day")
    made = await aggregate(ask, range={"from": "2026-11-02T10:30:00Z", "to": "2026-11-02T12:00:01Z"})
    assert made.pop("durationMs") > 0
    assert made == {"from": "2026-11-02T10:00:00Z", "to": "2026-11-02T13:00:00Z", "buckets": 6}
    assert await stored(ask) == {"runs": 3, "messages": 8}


async def test_what_is_in_the_ledger_is_folded(ask: Ask, record: Ask) -> None:
    await runs(record)
    assert await stored(ask) == {"runs": 0, "messages": 0}
    await aggregate(ask, range=DAY)
    assert await stored(ask) == {"runs": 3, "messages": 8}


async def test_one_agent_is_made_anew_and_no_other(ask: Ask, record: Ask, db: Database) -> None:
    await runs(record)
    await settle(db, datetime.now(UTC))
    await db.execute(SPOIL)
    agent = await ask('{ agent(name: "planner") { id } }')
    await aggregate(ask, range=DAY, agentId=agent["agent"]["id"])
    found = await db.fetch("SELECT agent_id, sum(runs) AS runs FROM run_hour GROUP BY 1 ORDER BY 1")
    names = {row["id"]: row["name"] for row in await db.fetch("SELECT id, name FROM agent")}
    assert {names[row["agent_id"]]: row["runs"] for row in found} == {"planner": 2, "other": 6}


async def test_hours_without_runs_stay_as_they_are_and_out_of_the_answer(ask: Ask, record: Ask, db: Database) -> None:
    await runs(record)
    await settle(db, datetime.now(UTC))
    await expire_runs(db, datetime(2026, 11, 9, tzinfo=UTC))
    made = await aggregate(ask, range={"from": "2026-11-02T10:30:00Z", "to": "2026-11-10T12:00:00Z"})
    assert (made["from"], made["buckets"]) == ("2026-11-09T00:00:00Z", 0)
    gone = await aggregate(ask, range=DAY)
    assert (gone["from"], gone["to"], gone["buckets"]) == ("2026-11-03T00:00:00Z", "2026-11-03T00:00:00Z", 0)
    assert await stored(ask) == {"runs": 3, "messages": 8}


async def test_what_cannot_be_meant_is_refused(answer: Ask, ask: Ask, record: Ask) -> None:
    backwards = {"from": DAY["to"], "to": DAY["from"]}
    assert (await answer(AGGREGATE, input={"range": backwards})).codes == {"BAD_USER_INPUT"}
    assert (await answer(AGGREGATE, input={"range": {}})).codes == {"BAD_USER_INPUT"}
    assert (await answer(AGGREGATE, input={"range": DAY, "agentId": "x"})).codes == {"BAD_USER_INPUT"}
    unknown = "QWdlbnQ6OTk5"  # Agent:999
    assert (await answer(AGGREGATE, input={"range": DAY, "agentId": unknown})).codes == {"NOT_FOUND"}


def test_it_is_for_who_may_do_everything_everywhere() -> None:
    access = access_of("Mutation", "aggregate")
    assert access is Access.EVERYWHERE
    assert not Principal(Role.ADMIN, frozenset({1})).may(access)
