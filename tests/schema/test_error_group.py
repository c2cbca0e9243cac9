"""The most frequent errors: told apart by what their messages have in common, and the same wherever they are kept."""

from datetime import UTC, datetime
from typing import Any

import pytest

from formicary.db import Database
from formicary.rollups.aggregate import settle
from formicary.rollups.fold import fold
from formicary.rollups.retention import expire_runs

from .conftest import Ask

DAY = {"from": "2026-11-02T00:00:00Z", "to": "2026-11-03T00:00:00Z"}

TOP = """query ($range: TimeRange, $filter: RunFilter, $first: Int) {
    topErrors(range: $range, filter: $filter, first: $first) {
        message type count firstAt lastAt lastRun { externalId }
    }
}"""

TIMEOUTS = {
    "message": "timeout after 988 ms",
    "type": "Timeout",
    "count": 3,
    "firstAt": "2026-11-02T01:10:00Z",
    "lastAt": "2026-11-02T03:30:00Z",
    "lastRun": {"externalId": "c"},
}


def failed(key: str, at: str, message: str | None, type_: str | None = None, **more: object) -> dict[str, object]:
    said = {"externalId": key, "errorMessage": message, "errorType": type_}
    return {"status": "FAILED", "startedAt": f"2026-11-02T{at}:00Z", **said, **more}


RUNS: list[dict[str, object]] = [
    failed("a", "01:10", "timeout after 1203 ms", "Timeout", model="m1", userId="u1"),
    failed("b", "02:20", "timeout after 7 ms", "Timeout", agent="other", status="TIMED_OUT", userId="u1"),
    failed("c", "03:30", "timeout after 988 ms", "Timeout", model="m2", version="2"),
    failed("d", "01:50", "no such file: /tmp/a/b.txt", "OSError"),
    failed("e", "01:40", "no such file: /srv/x/c.txt", "OSError", model="m1"),
    failed("f", "04:00", None, "KeyError"),
    failed("g", "05:00", "timeout after 5 ms", "Other"),
    failed("h", "06:00", None),
    failed("i", "07:00", "it worked after 3 attempts", "Warning", status="SUCCEEDED"),
    failed("j", "08:00", "stopped by 12", "Stop", status="CANCELLED"),
]


async def top(ask: Ask, **variables: object) -> Any:
    return (await ask(TOP, **{"range": DAY, **variables}))["topErrors"]


def told(groups: Any) -> list[list[object]]:
    return [[group["message"], group["type"], group["count"]] for group in groups]


async def nothing(db: Database) -> None:
    """Leaves the runs in the ledger."""


async def fold_all(db: Database) -> None:
    await fold(db)


async def settle_all(db: Database) -> None:
    await settle(db, datetime.now(UTC))


@pytest.mark.parametrize("keep", [nothing, fold_all, settle_all])
async def test_errors_are_grouped_by_type_and_kind_of_message(keep: Any, ask: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS)
    await keep(db)
    groups = await top(ask)
    assert groups[0] == TIMEOUTS
    assert told(groups) == [
        ["timeout after 988 ms", "Timeout", 3],
        ["no such file: /tmp/a/b.txt", "OSError", 2],
        ["timeout after 5 ms", "Other", 1],
        ["", "KeyError", 1],
    ]
    assert told(await top(ask, first=1)) == told(groups)[:1]
    assert await top(ask, first=0) == []


@pytest.mark.parametrize("keep", [nothing, fold_all])
@pytest.mark.parametrize(
    ("filter_", "counts"),
    [
        ({"model": ["m1"]}, {"Timeout": 1, "OSError": 1}),
        ({"status": ["TIMED_OUT", "SUCCEEDED"]}, {"Timeout": 1}),
        ({"errorType": ["OSError", "Nothing"]}, {"OSError": 2}),
        ({"agent": ["other"]}, {"Timeout": 1}),
        ({"version": ["2"]}, {"Timeout": 1}),
        ({"project": "nowhere"}, {}),
        ({"user": ["u1"]}, {"Timeout": 2}),
        ({"errorText": "timeout"}, {"Timeout": 3, "Other": 1}),
        ({"range": {"from": "2026-11-02T02:00:00Z", "to": "2026-11-02T04:00:00Z"}}, {"Timeout": 2}),
    ],
    ids=str,
)
async def test_errors_can_be_filtered(
    filter_: dict[str, Any], counts: dict[str, int], keep: Any, ask: Ask, record: Ask, db: Database
) -> None:
    await record(*RUNS)
    await keep(db)
    assert {group["type"]: group["count"] for group in await top(ask, filter=filter_)} == counts


@pytest.mark.parametrize("keep", [nothing, fold_all])
async def test_a_range_that_cuts_hours_has_what_lies_within(keep: Any, ask: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS)
    await keep(db)
    cut = {"from": "2026-11-02T01:45:00Z", "to": "2026-11-02T03:30:00Z"}
    assert told(await top(ask, range=cut)) == [
        ["timeout after 7 ms", "Timeout", 1],
        ["no such file: /tmp/a/b.txt", "OSError", 1],
    ]


async def test_a_correction_shows_in_the_very_next_answer(ask: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS)
    await fold(db)
    await record(failed("c", "03:30", "no such file: /etc/y/z", "OSError"))
    assert told(await top(ask))[:2] == [["no such file: /etc/y/z", "OSError", 3], ["timeout after 7 ms", "Timeout", 2]]
    await settle_all(db)
    assert told(await top(ask))[:2] == [["no such file: /etc/y/z", "OSError", 3], ["timeout after 7 ms", "Timeout", 2]]


async def test_a_group_outlives_its_runs(ask: Ask, answer: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS)
    await settle_all(db)
    await expire_runs(db, datetime(2026, 11, 9, tzinfo=UTC))
    assert await db.fetchval("SELECT count(*) FROM run") == 0
    groups = await top(ask)
    assert groups[0] == {**TIMEOUTS, "lastRun": None}
    refused = await answer(TOP, range=DAY, filter={"user": ["u1"]})
    assert refused.codes == {"BAD_USER_INPUT"}
    assert "have been dropped" in refused.errors[0]["message"]


async def test_agents_and_versions_have_their_own_by_one_statement_each(
    ask: Ask, record: Ask, db: Database, statements: list[str]
) -> None:
    await record(*RUNS)
    await fold(db)
    query = """query ($range: TimeRange) { agents { nodes {
        name topErrors(range: $range, first: 1) { type count }
        version(version: "2") { topErrors(range: $range) { type count } } } } }"""
    statements.clear()
    agents = (await ask(query, range=DAY))["agents"]["nodes"]
    assert agents == [
        {"name": "other", "topErrors": [{"type": "Timeout", "count": 1}], "version": None},
        {
            "name": "planner",
            "topErrors": [{"type": "Timeout", "count": 2}],
            "version": {"topErrors": [{"type": "Timeout", "count": 1}]},
        },
    ]
    assert sum("error_hour" in statement for statement in statements) == 2


async def test_what_lies_in_other_projects_is_not_seen(ask: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS, failed("x", "01:00", "boom", "Boom", project="shop"))
    shop = await db.fetchval("SELECT id FROM project WHERE slug = 'shop'")
    found = await ask(TOP, frozenset({shop}), range=DAY)
    assert told(found["topErrors"]) == [["boom", "Boom", 1]]


@pytest.mark.parametrize("first", [-1, 501])
async def test_a_size_beyond_the_limits_is_refused(first: int, answer: Ask) -> None:
    assert (await answer(TOP, first=first)).codes == {"BAD_USER_INPUT"}
