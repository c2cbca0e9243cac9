"""Breakdowns over the API."""

from typing import Any

import pytest

from formicary.db import Database

from .conftest import Ask
from .test_metrics import Answer, Keep, nothing, settle_all

RANGE = {"from": "2026-11-10T10:00:00Z", "to": "2026-11-10T12:00:00Z"}
RUNS: list[dict[str, object]] = [
    {"agent": "a", "version": "1", "model": "m", "provider": "p", "initiator": "cron", "durationMs": 10},
    {"agent": "a", "version": "1", "model": "m", "provider": "p", "initiator": "cron", "durationMs": 20},
    {"agent": "a", "version": "2", "model": "n", "provider": "p", "status": "FAILED", "errorType": "Timeout"},
    {"agent": "b", "version": "1", "project": "shop", "status": "TIMED_OUT"},
    {"agent": "b", "version": "1", "project": "shop", "errorType": "Warned", "status": "CANCELLED"},
]
BREAKDOWN = """query ($by: Dimension!, $range: TimeRange, $first: Int = 20, $filter: RunFilter) {
    breakdown(by: $by, range: $range, first: $first, filter: $filter) { key share metrics { runs } }
}"""


async def rows(ask: Ask, by: str, **variables: object) -> list[tuple[str, float, int]]:
    data = await ask(BREAKDOWN, by=by, range=RANGE, **variables)
    return [(row["key"], row["share"], row["metrics"]["runs"]) for row in data["breakdown"]]


@pytest.fixture(params=[nothing, settle_all])
async def recorded(request: pytest.FixtureRequest, record: Ask, db: Database) -> None:
    keep: Keep = request.param
    await record(*({**run, "startedAt": "2026-11-10T10:30:00Z"} for run in RUNS))
    await keep(db)


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("AGENT", [("a", 0.6, 3), ("b", 0.4, 2)]),
        ("VERSION", [("1", 0.4, 2), ("1", 0.4, 2), ("2", 0.2, 1)]),
        ("MODEL", [("", 0.4, 2), ("m", 0.4, 2), ("n", 0.2, 1)]),
        ("PROVIDER", [("p", 0.6, 3), ("", 0.4, 2)]),
        ("STATUS", [("SUCCEEDED", 0.4, 2), ("CANCELLED", 0.2, 1), ("FAILED", 0.2, 1), ("TIMED_OUT", 0.2, 1)]),
        ("ERROR_TYPE", [("", 1 / 3, 1), ("Timeout", 1 / 3, 1), ("Warned", 1 / 3, 1)]),
        ("INITIATOR", [("", 0.6, 3), ("cron", 0.4, 2)]),
        ("PROJECT", [("default", 0.6, 3), ("shop", 0.4, 2)]),
    ],
)
async def test_rows_are_by_runs_and_then_by_key(by: str, expected: list[tuple[str, float, int]], ask: Ask) -> None:
    assert await rows(ask, by) == expected


@pytest.mark.usefixtures("recorded")
async def test_a_share_is_that_of_all_rows_also_of_those_beyond_the_first(ask: Ask) -> None:
    assert await rows(ask, "MODEL", first=1) == [("", 0.4, 2)]
    assert await rows(ask, "VERSION", first=2) == [("1", 0.4, 2), ("1", 0.4, 2)]
    assert await rows(ask, "STATUS", first=3) == [("SUCCEEDED", 0.4, 2), ("CANCELLED", 0.2, 1), ("FAILED", 0.2, 1)]
    assert len(await rows(ask, "STATUS", first=None)) == 4


@pytest.mark.usefixtures("recorded")
async def test_what_no_run_states_has_no_rows(ask: Ask) -> None:
    assert await rows(ask, "MODEL", filter={"model": ["unheard of"]}) == []
    assert await rows(ask, "AGENT", filter={"agent": ["nobody"]}) == []
    assert await rows(ask, "ERROR_TYPE", filter={"status": ["SUCCEEDED"]}) == []


@pytest.mark.usefixtures("recorded")
async def test_rows_lead_to_their_agent_and_version(ask: Ask) -> None:
    query = """query ($by: Dimension!, $range: TimeRange) {
        breakdown(by: $by, range: $range) { key agent { name project { slug } } version { version agent { name } } }
    }"""

    async def found(by: str) -> Any:
        return (await ask(query, by=by, range=RANGE))["breakdown"]

    a, b = {"name": "a", "project": {"slug": "default"}}, {"name": "b", "project": {"slug": "shop"}}
    assert await found("AGENT") == [
        {"key": "a", "agent": a, "version": None},
        {"key": "b", "agent": b, "version": None},
    ]
    assert await found("VERSION") == [
        {"key": "1", "agent": a, "version": {"version": "1", "agent": {"name": "a"}}},
        {"key": "1", "agent": b, "version": {"version": "1", "agent": {"name": "b"}}},
        {"key": "2", "agent": a, "version": {"version": "2", "agent": {"name": "a"}}},
    ]
    assert (await found("PROJECT"))[0] == {"key": "default", "agent": None, "version": None}


@pytest.mark.usefixtures("recorded")
async def test_each_agent_is_broken_down_by_itself(ask: Ask) -> None:
    data = await ask(
        """query ($range: TimeRange) { agents { nodes {
            breakdown(by: MODEL, range: $range) { key share metrics { runs latency { p95Ms } previous { runs } } }
            initiators: breakdown(by: INITIATOR, range: $range) { key metrics { runs } }
            itself: breakdown(by: AGENT, range: $range) { key share }
        } } }""",
        range=RANGE,
    )
    a, b = data["agents"]["nodes"]
    before = {"runs": 0}
    assert a["breakdown"] == [
        {"key": "m", "share": 2 / 3, "metrics": {"runs": 2, "latency": {"p95Ms": 20}, "previous": before}},
        {"key": "n", "share": 1 / 3, "metrics": {"runs": 1, "latency": None, "previous": before}},
    ]
    assert b["breakdown"] == [{"key": "", "share": 1, "metrics": {"runs": 2, "latency": None, "previous": before}}]
    assert a["initiators"] == [{"key": "cron", "metrics": {"runs": 2}}, {"key": "", "metrics": {"runs": 1}}]
    assert (a["itself"], b["itself"]) == ([{"key": "a", "share": 1}], [{"key": "b", "share": 1}])


@pytest.mark.parametrize("first", [0, -1, 1001])
async def test_a_bad_number_of_rows_is_refused(first: int, answer: Answer) -> None:
    result = await answer(BREAKDOWN, by="MODEL", first=first)
    assert [(error["message"], error["extensions"]["code"]) for error in result.errors] == [
        (f"first: {first} is not between 1 and 1000.", "BAD_USER_INPUT")
    ]
