"""Figures over the API, with every expected value worked out by hand."""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeAlias

import pytest

from formicary.db import Database
from formicary.rollups.aggregate import settle
from formicary.rollups.fold import fold
from formicary.schema.operation import GraphQLResult

from .conftest import Ask

Answer: TypeAlias = Callable[..., Coroutine[Any, Any, GraphQLResult]]
Keep: TypeAlias = Callable[[Database], Awaitable[object]]

TWO_HOURS = {"from": "2026-11-10T10:00:00Z", "to": "2026-11-10T12:00:00Z"}
RUNS: list[dict[str, object]] = [
    {"status": "SUCCEEDED", "startedAt": "2026-11-10T09:00:00Z", "durationMs": 5, "cost": "0.1", "userId": "u9"},
    {
        "status": "SUCCEEDED",
        "startedAt": "2026-11-10T10:05:00Z",
        "durationMs": 10,
        "cost": "0.5",
        "inputTokens": 10,
        "outputTokens": 20,
        "userId": "u1",
        "sessionId": "s1",
        "messages": 3,
        "filesCreated": 2,
        "filesModified": 1,
    },
    {
        "status": "SUCCEEDED",
        "startedAt": "2026-11-10T10:30:00Z",
        "durationMs": 20,
        "cost": "0.25",
        "userId": "u1",
        "sessionId": "s2",
    },
    {"status": "FAILED", "startedAt": "2026-11-10T11:15:00Z", "durationMs": 30, "errorType": "Timeout"},
    {
        "status": "TIMED_OUT",
        "startedAt": "2026-11-10T11:20:00Z",
        "durationMs": 40,
        "cost": "0.25",
        "totalTokens": 50,
        "userId": "u2",
    },
    {"status": "CANCELLED", "startedAt": "2026-11-10T11:30:00Z", "durationMs": 49},
    {"status": "RUNNING", "startedAt": "2026-11-10T11:45:00Z"},
]
ALL = """
    range { from to }
    runs succeeded failed cancelled unfinished messages successRate errorRate
    latency {
        averageMs minMs maxMs p50Ms p75Ms p90Ms p95Ms p99Ms least: quantileMs(q: 0) other: quantileMs(q: 0.26)
        histogram(buckets: 2) { fromMs toMs count }
    }
    tokens { input output total perRun } cost { total perRun estimatedRuns unknownRuns }
    filesCreated filesModified distinctUsers distinctSessions throughputPerHour averagePheromone"""
FIGURES = {
    "range": TWO_HOURS,
    "runs": 6,
    "succeeded": 2,
    "failed": 2,
    "cancelled": 1,
    "unfinished": 1,
    "messages": 8,
    "successRate": 0.5,
    "errorRate": 0.5,
    "latency": {
        "averageMs": 25,
        "minMs": 10,
        "maxMs": 40,
        "p50Ms": 20,
        "p75Ms": 30,
        "p90Ms": 40,
        "p95Ms": 40,
        "p99Ms": 40,
        "least": 10,
        "other": 20,
        "histogram": [{"fromMs": 9, "toMs": 25, "count": 2}, {"fromMs": 25, "toMs": 40, "count": 2}],
    },
    "tokens": {"input": 10, "output": 20, "total": 80, "perRun": 40},
    "cost": {"total": "1.00", "perRun": "0.3333333333", "estimatedRuns": 0, "unknownRuns": 3},
    "filesCreated": 2,
    "filesModified": 1,
    "distinctUsers": 2,
    "distinctSessions": 2,
    "throughputPerHour": 3,
    "averagePheromone": None,
}
NOTHING = {
    **dict.fromkeys(("runs", "succeeded", "failed", "cancelled", "unfinished", "messages"), 0),
    "successRate": None,
    "errorRate": None,
    "latency": None,
    "tokens": {"input": 0, "output": 0, "total": 0, "perRun": None},
    "cost": {"total": "0", "perRun": None, "estimatedRuns": 0, "unknownRuns": 0},
    **dict.fromkeys(("filesCreated", "filesModified", "distinctUsers", "distinctSessions", "throughputPerHour"), 0),
    "averagePheromone": None,
}
METRICS = f"""query ($range: TimeRange, $filter: RunFilter, $source: Source! = AUTO) {{
    metrics(range: $range, filter: $filter, source: $source) {{ {ALL} }}
}}"""


async def metrics(ask: Ask, **variables: object) -> dict[str, Any]:
    found: dict[str, Any] = (await ask(METRICS, **variables))["metrics"]
    return found


async def nothing(_db: Database) -> None:
    """All is still in the ledger."""


async def settle_all(db: Database) -> None:
    await settle(db, datetime.now(UTC))


@pytest.mark.parametrize(
    ("keep", "source"),
    [
        (nothing, "AUTO"),
        (nothing, "REALTIME"),
        (fold, "AUTO"),
        (fold, "STORED"),
        (settle_all, "AUTO"),
        (settle_all, "STORED"),
        (settle_all, "REALTIME"),
    ],
)
async def test_figures_are_what_the_runs_come_to(keep: Keep, source: str, ask: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS)
    await keep(db)
    assert await metrics(ask, range=TWO_HOURS, source=source) == FIGURES


async def test_stored_figures_lack_the_final_runs_that_were_not_folded_yet(ask: Ask, record: Ask) -> None:
    await record(*RUNS)
    found = await metrics(ask, range=TWO_HOURS, source="STORED")
    assert (found["runs"], found["unfinished"]) == (1, 1)


async def test_figures_of_no_runs_are_zeros_and_nulls(ask: Ask, record: Ask) -> None:
    await record(*RUNS)
    future = {"from": "2199-01-01T00:00:00Z", "to": "2199-01-02T00:00:00Z"}
    assert await metrics(ask, range=future) == {**NOTHING, "range": future}
    moment = {"from": "2026-11-10T10:05:00Z", "to": "2026-11-10T10:05:00Z"}
    assert await metrics(ask, range=moment) == {**NOTHING, "range": moment}


async def test_one_failed_run_without_duration_has_rates_and_no_latency(ask: Ask, record: Ask) -> None:
    await record({"status": "FAILED", "startedAt": "2026-11-10T10:00:00Z"})
    found = await metrics(ask, range=TWO_HOURS)
    assert (found["successRate"], found["errorRate"], found["latency"]) == (0, 1, None)
    assert found["cost"] == {"total": "0", "perRun": None, "estimatedRuns": 0, "unknownRuns": 1}


async def test_one_run_is_every_percentile(ask: Ask, record: Ask) -> None:
    await record({"startedAt": "2026-11-10T10:00:00Z", "durationMs": 123_457})
    latency = (await metrics(ask, range=TWO_HOURS))["latency"]
    histogram = latency.pop("histogram")
    assert set(latency.values()) == {123_457}
    assert sum(part["count"] for part in histogram) == 1


async def test_the_previous_figures_are_of_the_range_of_equal_length_just_before(ask: Ask, record: Ask) -> None:
    await record(*RUNS)
    query = """query ($range: TimeRange) { metrics(range: $range) { runs previous {
        range { from to } runs latency { p95Ms } distinctUsers cost { total } previous { runs } } } }"""
    assert (await ask(query, range=TWO_HOURS))["metrics"] == {
        "runs": 6,
        "previous": {
            "range": {"from": "2026-11-10T08:00:00Z", "to": "2026-11-10T10:00:00Z"},
            "runs": 1,
            "latency": {"p95Ms": 5},
            "distinctUsers": 1,
            "cost": {"total": "0.1"},
            "previous": None,
        },
    }


async def test_a_run_counts_in_the_very_next_query_and_by_default_for_24_hours(ask: Ask, record: Ask) -> None:
    await record({"status": "SUCCEEDED"}, {"status": "RUNNING"}, {"startedAt": "2026-11-10T10:00:00Z"})
    assert (await ask("{ metrics { runs unfinished } }"))["metrics"] == {"runs": 2, "unfinished": 1}


async def test_all_of_a_request_refers_to_one_moment(ask: Ask, record: Ask) -> None:
    await record({})
    data = await ask("""{
        metrics { range { from to } }
        agent(name: "planner") { metrics { range { from to } } history(bucket: DAY) { metrics { range { to } } } }
    }""")
    assert data["agent"]["metrics"] == data["metrics"]
    assert data["agent"]["history"][-1]["metrics"]["range"]["to"] == data["metrics"]["range"]["to"]


@pytest.mark.parametrize("keep", [nothing, settle_all])
@pytest.mark.parametrize(
    ("filter_", "runs"),
    [
        ({"status": ["FAILED", "TIMED_OUT"]}, 2),
        ({"errorType": ["Timeout"]}, 1),
        ({"agent": ["planner"]}, 6),
        ({"agent": ["nobody"]}, 0),
        ({"model": ["nothing"]}, 0),
        ({"project": "nowhere"}, 0),
        ({"user": ["u1"]}, 2),
        ({"session": ["s2"]}, 1),
        ({"minDurationMs": 20, "maxDurationMs": 40}, 3),
        ({"minCost": "0.25"}, 3),
        ({"range": {"from": "2026-11-10T10:30:00Z", "to": "2026-11-10T11:20:00Z"}}, 2),
        ({"range": {"from": "2026-11-11T00:00:00Z"}}, 0),
    ],
    ids=str,
)
async def test_figures_can_be_of_any_runs_that_a_filter_leaves(
    filter_: dict[str, object], runs: int, keep: Keep, ask: Ask, record: Ask, db: Database
) -> None:
    await record(*RUNS)
    await keep(db)
    for source in ("AUTO", "REALTIME"):
        assert (await metrics(ask, range=TWO_HOURS, filter=filter_, source=source))["runs"] == runs


async def test_a_filters_own_range_does_for_a_range(ask: Ask, record: Ask) -> None:
    await record(*RUNS)
    assert await metrics(ask, filter={"range": TWO_HOURS}) == FIGURES


async def test_figures_are_of_what_the_caller_may_see(ask: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS, {"project": "shop", "startedAt": "2026-11-10T10:00:00Z"})
    shop = await db.fetchval("SELECT id FROM project WHERE slug = 'shop'")
    query = "query ($range: TimeRange) { metrics(range: $range) { runs } }"
    assert (await ask(query, frozenset({shop}), range=TWO_HOURS))["metrics"] == {"runs": 1}


OF_EACH = """query ($range: TimeRange!, $filter: RunFilter) {
    agents { nodes {
        name metrics(range: $range, filter: $filter) { runs latency { p50Ms } cost { total } previous { runs } }
        latestVersion { version metrics(range: $range, filter: $filter) { runs distinctUsers } }
    } }
}"""


@pytest.mark.parametrize("keep", [nothing, settle_all])
async def test_agents_and_versions_have_figures_of_their_own(keep: Keep, ask: Ask, record: Ask, db: Database) -> None:
    at = {"startedAt": "2026-11-10T10:00:00Z"}
    await record(
        {**at, "agent": "a", "version": "1", "durationMs": 10, "cost": "0.10", "userId": "u1"},
        {**at, "agent": "a", "version": "2", "durationMs": 30, "cost": "0.20", "userId": "u2"},
        {**at, "agent": "b", "version": "1", "durationMs": 50, "cost": "0.30"},
        {"startedAt": "2026-11-10T09:59:59Z", "agent": "b", "version": "1"},
        {"startedAt": "2026-11-01T00:00:00Z", "agent": "c", "version": "1"},
    )
    await keep(db)
    assert (await ask(OF_EACH, range=TWO_HOURS))["agents"]["nodes"] == [
        {
            "name": "a",
            "metrics": {"runs": 2, "latency": {"p50Ms": 10}, "cost": {"total": "0.30"}, "previous": {"runs": 0}},
            "latestVersion": {"version": "2", "metrics": {"runs": 1, "distinctUsers": 1}},
        },
        {
            "name": "b",
            "metrics": {"runs": 1, "latency": {"p50Ms": 50}, "cost": {"total": "0.30"}, "previous": {"runs": 1}},
            "latestVersion": {"version": "1", "metrics": {"runs": 1, "distinctUsers": 0}},
        },
        {
            "name": "c",
            "metrics": {"runs": 0, "latency": None, "cost": {"total": "0"}, "previous": {"runs": 0}},
            "latestVersion": {"version": "1", "metrics": {"runs": 0, "distinctUsers": 0}},
        },
    ]


async def test_a_filter_that_names_another_agent_leaves_an_agent_nothing(ask: Ask, record: Ask) -> None:
    await record({"agent": "a", "startedAt": "2026-11-10T10:00:00Z"}, {"agent": "b"})
    nodes = (await ask(OF_EACH, range=TWO_HOURS, filter={"agent": ["b"]}))["agents"]["nodes"]
    assert [node["metrics"]["runs"] for node in nodes] == [0, 0]


DEEP = """query ($range: TimeRange!) {
    agents { nodes {
        metrics(range: $range) { runs latency { p95Ms } distinctUsers previous { runs } averagePheromone }
        history(range: $range, bucket: HOUR) { metrics { runs latency { p95Ms } } }
        breakdown(range: $range, by: MODEL) { key metrics { runs } }
        versions: breakdown(range: $range, by: VERSION) { version { version } agent { name } metrics { runs } }
        latestVersion { metrics(range: $range) { runs } history(range: $range, bucket: DAY) { metrics { runs } } }
    } }
}"""


async def test_figures_of_many_agents_take_no_more_statements_than_of_two(
    ask: Ask, record: Ask, statements: list[str]
) -> None:
    taken = []
    for number in (2, 20):
        await record(
            *({"agent": f"agent-{n}", "startedAt": "2026-11-10T10:00:00Z", "model": f"m{n % 3}"} for n in range(number))
        )
        statements.clear()
        nodes = (await ask(DEEP, range=TWO_HOURS))["agents"]["nodes"]
        assert len(nodes) == number
        assert all(len(node["history"]) == 2 and len(node["breakdown"]) == 1 for node in nodes)
        taken.append(len(statements))
    assert taken[0] == taken[1]


@pytest.mark.parametrize(
    ("selection", "part"),
    [
        ("latency { averageMs minMs maxMs }", ()),
        ("latency { quantileMs(q: 0.1) }", ("durations",)),
        ("latency { histogram { count } }", ("durations",)),
        ("...F", ("durations",)),
        ("previous { latency { a: p99Ms } }", ("durations",)),
        ("distinctUsers", ("visitors",)),
        ("distinctSessions", ("visitors",)),
        ("averagePheromone", ("pheromone_hour",)),
    ],
)
async def test_the_dear_parts_are_read_only_where_they_are_asked_for(
    selection: str, part: tuple[str, ...], ask: Ask, statements: list[str]
) -> None:
    fragment = "fragment F on Metrics { latency { p50Ms } }" if "...F" in selection else ""
    await ask(f"{{ metrics(range: {{last: 3600000}}) {{ runs {selection} }} }} {fragment}")
    dear = {
        "durations": "array_send(c.durations)",
        "visitors": "unnest(c.visitors)",
        "pheromone_hour": "FROM pheromone_hour",
    }
    found = {name for name, sign in dear.items() if any(sign in statement for statement in statements)}
    assert found == set(part)


async def test_the_average_score_counts_each_agent_once_and_as_a_whole(ask: Ask, record: Ask, db: Database) -> None:
    await record(*({"agent": agent, "startedAt": "2026-11-10T10:00:00Z", "model": "m"} for agent in "ab"))
    await db.execute(
        """INSERT INTO pheromone_hour (agent_id, starts_at, score, runs)
        SELECT a.id, s.starts_at::timestamptz, s.score, s.runs
        FROM agent a JOIN (VALUES
            ('a', '2026-11-10T10:00Z', 0.9, 3), ('a', '2026-11-10T11:00Z', 0.5, 1), ('b', '2026-11-10T11:00Z', 0.3, 4)
        ) s (name, starts_at, score, runs) USING (name)"""
    )
    data = await ask(
        """query ($range: TimeRange) {
            metrics(range: $range) { averagePheromone }
            narrowed: metrics(range: $range, filter: {model: ["m"]}) { averagePheromone }
            history(range: $range) { metrics { averagePheromone } }
            breakdown(range: $range, by: AGENT) { metrics { averagePheromone } }
            agents { nodes { metrics(range: $range) { averagePheromone } } }
        }""",
        range=TWO_HOURS,
    )
    score = "averagePheromone"
    assert data["metrics"][score] == pytest.approx((0.8 + 0.3) / 2)
    assert data["narrowed"][score] is None
    assert [point["metrics"][score] for point in data["history"]] == pytest.approx([0.9, 0.4])
    assert [row["metrics"][score] for row in data["breakdown"]] == pytest.approx([0.8, 0.3])
    assert [node["metrics"][score] for node in data["agents"]["nodes"]] == pytest.approx([0.8, 0.3])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            '{ metrics(range: {from: "2026-11-02T00:00:00Z", to: "2026-11-01T00:00:00Z"}) { runs } }',
            "range: `from` (2026-11-02T00:00:00+00:00) is after `to` (2026-11-01T00:00:00+00:00).",
        ),
        (
            '{ metrics(range: {from: "2026-01-01T00:00:00Z", to: "2027-02-06T00:00:00Z"}) { runs } }',
            "range: 401 days are more than the 400 that are allowed.",
        ),
        (
            '{ metrics(range: {from: "2026-01-01T00:00:00Z", to: "2027-02-05T01:00:00Z"}) { runs } }',
            "range: 400.042 days are more than the 400 that are allowed.",
        ),
        (
            '{ metrics(range: {last: "401d"}) { runs } }',
            "range.last: 401 days are more than the 400 that are allowed.",
        ),
        (
            '{ metrics(range: {to: "2026-01-01T00:00:00Z"}) { runs } }',
            "range: give `last`, or `from` with or without `to`.",
        ),
        (
            '{ metrics(range: {from: "0001-01-01T00:00:00Z", to: "0001-01-02T00:00:00Z"}) { previous { runs } } }',
            "range: figures are of the years 1900 to 8999.",
        ),
        (
            '{ history(range: {from: "9999-12-31T00:00:00Z", to: "9999-12-31T23:59:59Z"}, bucket: WEEK) { to } }',
            "range: figures are of the years 1900 to 8999.",
        ),
        (
            '{ metrics(filter: {range: {from: "9999-12-31T00:00:00Z", to: "9999-12-31T23:59:59Z"}}) { runs } }',
            "range: figures are of the years 1900 to 8999.",
        ),
    ],
)
async def test_a_bad_range_is_refused(query: str, message: str, answer: Answer) -> None:
    result = await answer(query)
    assert [(error["message"], error["extensions"]["code"]) for error in result.errors] == [(message, "BAD_USER_INPUT")]


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("quantileMs(q: 1.5)", "q: 1.5 is not between 0 and 1."),
        ("quantileMs(q: -0.1)", "q: -0.1 is not between 0 and 1."),
        ("histogram(buckets: 0) { count }", "buckets: 0 is not between 1 and 200."),
        ("histogram(buckets: 201) { count }", "buckets: 201 is not between 1 and 200."),
    ],
)
async def test_a_bad_argument_of_the_latency_is_refused(field: str, message: str, answer: Answer, record: Ask) -> None:
    await record({"durationMs": 10})
    result = await answer(f"{{ metrics {{ latency {{ {field} }} }} }}")
    assert [(error["message"], error["extensions"]["code"]) for error in result.errors] == [(message, "BAD_USER_INPUT")]


async def test_what_takes_dropped_runs_is_refused_with_the_horizon(
    ask: Ask, answer: Answer, record: Ask, db: Database
) -> None:
    await record(*RUNS)
    await db.execute("UPDATE run_horizon SET runs_since = '2026-11-10T11:00Z'")
    assert (await metrics(ask, range=TWO_HOURS))["runs"] == 6
    result = await answer(METRICS, range=TWO_HOURS, filter={"user": ["u1"]})
    assert result.codes == {"BAD_USER_INPUT"}
    assert "2026-11-10T11:00Z" in result.errors[0]["message"]
