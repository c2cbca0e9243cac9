"""Histories over the API."""

from typing import Any

import pytest

from formicary.db import Database

from .conftest import Ask
from .test_metrics import Answer, Keep, nothing, settle_all

HISTORY = """query ($range: TimeRange, $bucket: Bucket! = HOUR, $filter: RunFilter) {
    history(range: $range, bucket: $bucket, filter: $filter) {
        from to metrics { range { from to } runs latency { p50Ms } cost { total } }
    }
}"""


def run(time: str, **fields: object) -> dict[str, object]:
    return {"startedAt": f"2026-11-10T{time}:00Z", **fields}


async def history(ask: Ask, **variables: object) -> list[dict[str, Any]]:
    points: list[dict[str, Any]] = (await ask(HISTORY, **variables))["history"]
    return points


@pytest.mark.parametrize("keep", [nothing, settle_all])
async def test_points_follow_without_gaps_and_the_first_and_last_are_cut_by_the_range(
    keep: Keep, ask: Ask, record: Ask, db: Database
) -> None:
    await record(
        run("08:59"),
        run("09:10"),
        run("09:30", durationMs=10, cost="0.50"),
        run("09:59", durationMs=20, cost="0.25"),
        run("11:00", durationMs=30),
        run("12:15"),
    )
    await keep(db)
    range_ = {"from": "2026-11-10T09:15:00Z", "to": "2026-11-10T12:15:00Z"}
    empty = {"runs": 0, "latency": None, "cost": {"total": "0"}}
    assert await history(ask, range=range_) == [
        {
            "from": f"2026-11-10T{bucket[0]}:00Z",
            "to": f"2026-11-10T{bucket[1]}:00Z",
            "metrics": {"range": {"from": f"2026-11-10T{part[0]}:00Z", "to": f"2026-11-10T{part[1]}:00Z"}, **figures},
        }
        for bucket, part, figures in [
            (
                ("09:00", "10:00"),
                ("09:15", "10:00"),
                {"runs": 2, "latency": {"p50Ms": 10}, "cost": {"total": "0.75"}},
            ),
            (("10:00", "11:00"), ("10:00", "11:00"), empty),
            (("11:00", "12:00"), ("11:00", "12:00"), {"runs": 1, "latency": {"p50Ms": 30}, "cost": {"total": "0"}}),
            (("12:00", "13:00"), ("12:00", "12:15"), empty),
        ]
    ]


@pytest.mark.parametrize("keep", [nothing, settle_all])
@pytest.mark.parametrize(
    ("bucket", "range_", "starts", "runs"),
    [
        (
            "MINUTE",
            ("2026-11-10T23:58:00Z", "2026-11-11T00:01:00Z"),
            ["2026-11-10T23:58:00Z", "2026-11-10T23:59:00Z", "2026-11-11T00:00:00Z"],
            [0, 1, 1],
        ),
        (
            "DAY",
            ("2026-11-09T00:00:00Z", "2026-11-12T00:00:00Z"),
            ["2026-11-09T00:00:00Z", "2026-11-10T00:00:00Z", "2026-11-11T00:00:00Z"],
            [0, 1, 1],
        ),
        (
            "WEEK",
            ("2026-11-03T00:00:00Z", "2026-11-16T00:00:01Z"),
            ["2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z", "2026-11-16T00:00:00Z"],
            [0, 2, 1],
        ),
        ("HOUR", ("2026-11-10T10:00:00Z", "2026-11-10T10:00:00Z"), [], []),
        ("DAY", ("2199-01-01T00:00:00Z", "2199-01-02T00:00:00Z"), ["2199-01-01T00:00:00Z"], [0]),
    ],
)
async def test_buckets_are_those_of_utc(
    bucket: str,
    range_: tuple[str, str],
    starts: list[str],
    runs: list[int],
    keep: Keep,
    ask: Ask,
    record: Ask,
    db: Database,
) -> None:
    await record(run("23:59"), {"startedAt": "2026-11-11T01:00:00+01:00"}, {"startedAt": "2026-11-15T22:00:00-02:00"})
    await keep(db)
    points = await history(ask, bucket=bucket, range=dict(zip(("from", "to"), range_, strict=True)))
    assert [point["from"] for point in points] == starts
    assert [point["metrics"]["runs"] for point in points] == runs


async def test_the_previous_figures_of_a_point_are_those_of_the_bucket_before(ask: Ask, record: Ask) -> None:
    await record(run("08:20"), run("08:50"), run("09:10"), run("09:40"), run("10:10"), run("10:25"), run("10:40"))
    data = await ask(
        """{ history(range: {from: "2026-11-10T09:30:00Z", to: "2026-11-10T10:30:00Z"}) {
            metrics { runs previous { runs range { from to } previous { runs } } } } }"""
    )
    assert [point["metrics"] for point in data["history"]] == [
        {
            "runs": 1,
            "previous": {
                "runs": 1,
                "range": {"from": "2026-11-10T08:30:00Z", "to": "2026-11-10T09:00:00Z"},
                "previous": None,
            },
        },
        {
            "runs": 2,
            "previous": {
                "runs": 1,
                "range": {"from": "2026-11-10T09:00:00Z", "to": "2026-11-10T09:30:00Z"},
                "previous": None,
            },
        },
    ]


@pytest.mark.parametrize("keep", [nothing, settle_all])
async def test_agents_and_versions_have_histories_of_their_own(keep: Keep, ask: Ask, record: Ask, db: Database) -> None:
    await record(
        run("10:10", agent="a", version="1"),
        run("11:10", agent="a", version="2"),
        run("11:20", agent="b", version="1"),
        {"agent": "c"},
    )
    await keep(db)
    data = await ask(
        """query ($range: TimeRange!) { agents { nodes {
            history(range: $range, bucket: null) { from metrics { runs } }
            versions { nodes { version history(range: $range) { metrics { runs } } } }
        } } }""",
        range={"from": "2026-11-10T10:00:00Z", "to": "2026-11-10T12:00:00Z"},
    )
    a, b, c = data["agents"]["nodes"]
    assert a["history"] == [
        {"from": "2026-11-10T10:00:00Z", "metrics": {"runs": 1}},
        {"from": "2026-11-10T11:00:00Z", "metrics": {"runs": 1}},
    ]
    assert {
        version["version"]: [point["metrics"]["runs"] for point in version["history"]]
        for version in a["versions"]["nodes"]
    } == {"1": [1, 0], "2": [0, 1]}
    assert [point["metrics"]["runs"] for point in b["history"]] == [0, 1]
    assert [point["metrics"]["runs"] for point in c["history"]] == [0, 0]


async def test_a_history_narrows_by_any_filter(ask: Ask, record: Ask) -> None:
    await record(run("10:10", userId="u1"), run("10:20", userId="u2"), run("11:10", userId="u2"))
    points = await history(
        ask,
        range={"from": "2026-11-10T10:00:00Z", "to": "2026-11-10T12:00:00Z"},
        filter={"user": ["u2"], "range": {"from": "2026-11-10T10:15:00Z", "to": "2026-11-10T11:30:00Z"}},
    )
    assert [point["metrics"]["runs"] for point in points] == [1, 1]


async def test_a_history_of_too_many_points_is_refused(answer: Answer) -> None:
    year = '{from: "2025-11-01T00:00:00Z", to: "2026-11-01T00:00:00Z"}'
    result = await answer(f"{{ history(range: {year}, bucket: MINUTE) {{ from }} }}")
    assert result.codes == {"BAD_USER_INPUT"}
    assert result.errors[0]["message"] == (
        "bucket: MINUTE over the range from 2025-11-01T00:00:00+00:00 to 2026-11-01T00:00:00+00:00 makes 525600"
        " points; at most 10000 are allowed. Ask for a longer bucket or a shorter range."
    )


async def test_a_history_of_400_days_by_the_hour_is_not_too_long(ask: Ask) -> None:
    assert len((await ask('{ history(range: {last: "400d"}) { metrics { runs } } }'))["history"]) >= 400 * 24
