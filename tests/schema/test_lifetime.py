"""Figures of all time: right in the very next answer, and the same once the runs are gone."""

from datetime import UTC, datetime
from typing import Any

import pytest

from formicary.db import Database
from formicary.rollups.aggregate import settle
from formicary.rollups.fold import fold
from formicary.rollups.retention import expire_cells, expire_runs

from .conftest import Ask

FIGURES = """runs succeeded failed cancelled unfinished messages successRate errorRate averageMs
    filesCreated filesModified tokens { input output total perRun } cost { total perRun estimatedRuns unknownRuns }
    averagePheromone"""

QUERY = f"""query ($project: String) {{
    lifetime(project: $project) {{ {FIGURES} }}
    agents(filter: {{project: $project}}) {{ nodes {{
        name lifetime {{ {FIGURES} }} versions {{ nodes {{ version lifetime {{ runs averagePheromone }} }} }}
    }} }}
}}"""

RUNS: list[dict[str, object]] = [
    {
        "externalId": "a",
        "startedAt": "2026-10-01T10:00:00Z",
        "durationMs": 1000,
        "inputTokens": 100,
        "outputTokens": 20,
        "cost": "0.25",
        "messages": 3,
        "filesCreated": 2,
        "pheromoneScore": 0.9,
    },
    {"externalId": "b", "startedAt": "2026-10-01T10:30:00Z", "durationMs": 2000, "status": "FAILED", "cost": "0.5"},
    {"externalId": "c", "startedAt": "2026-10-02T10:30:00Z", "durationMs": 9000, "status": "CANCELLED", "version": "2"},
    {"externalId": "d", "startedAt": "2026-10-03T10:30:00Z", "durationMs": 600, "status": "TIMED_OUT", "version": "2"},
    {"externalId": "e", "startedAt": "2026-11-20T10:00:00Z", "status": "RUNNING", "version": "2"},
    {"externalId": "f", "startedAt": "2026-10-01T10:00:00Z", "agent": "other", "filesModified": 4, "totalTokens": 60},
]

PLANNER = {
    "runs": 5,
    "succeeded": 1,
    "failed": 2,
    "cancelled": 1,
    "unfinished": 1,
    "messages": 7,
    "successRate": 1 / 3,
    "errorRate": 2 / 3,
    "averageMs": 1200.0,
    "filesCreated": 2,
    "filesModified": 0,
    "tokens": {"input": 100, "output": 20, "total": 120, "perRun": 120.0},
    "cost": {"total": "0.75", "perRun": "0.375", "estimatedRuns": 0, "unknownRuns": 3},
    "averagePheromone": 0.9,
}


async def lifetime(ask: Ask, **variables: object) -> Any:
    return await ask(QUERY, **variables)


async def settle_all(db: Database) -> None:
    await settle(db, datetime.now(UTC))


async def nothing(db: Database) -> None:
    """Leaves the runs in the ledger."""


async def fold_all(db: Database) -> None:
    await fold(db)


async def drop_all(db: Database) -> None:
    """All runs of before, then all cells."""
    await settle_all(db)
    now = datetime(2026, 11, 16, tzinfo=UTC)
    await expire_runs(db, now)
    await expire_cells(db, now)
    assert await db.fetchval("SELECT count(*) FROM run") == 1
    assert await db.fetchval("SELECT count(*) FROM run_hour") == 0


KEEP = pytest.mark.parametrize("keep", [nothing, fold_all, settle_all, drop_all])


@KEEP
async def test_all_runs_ever_count_wherever_they_are_kept(keep: Any, ask: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS)
    await keep(db)
    data = await lifetime(ask)
    other, planner = data["agents"]["nodes"]
    assert planner["lifetime"] == PLANNER
    assert {version["version"]: version["lifetime"] for version in planner["versions"]["nodes"]} == {
        "unversioned": {"runs": 2, "averagePheromone": None},
        "2": {"runs": 3, "averagePheromone": None},
    }
    assert (other["lifetime"]["runs"], other["lifetime"]["filesModified"], other["lifetime"]["averageMs"]) == (
        1,
        4,
        None,
    )
    everything = data["lifetime"]
    assert (everything["runs"], everything["succeeded"], everything["messages"]) == (6, 2, 8)
    assert everything["tokens"] == {"input": 100, "output": 20, "total": 180, "perRun": 90.0}
    assert everything["averagePheromone"] == pytest.approx((0.9 + 0.5) / 2)


@pytest.mark.parametrize("keep", [nothing, fold_all, settle_all])
async def test_corrections_and_late_ends_show_in_the_very_next_answer(
    keep: Any, ask: Ask, record: Ask, db: Database
) -> None:
    await record(*RUNS)
    await keep(db)
    await record(
        {**RUNS[1], "cost": "2", "messages": 5},
        {**RUNS[4], "status": "SUCCEEDED"},
        {"startedAt": "2026-10-01T10:59:00Z", "cost": "1", "durationMs": 1200},
    )
    for settled in (nothing, fold_all, settle_all):
        await settled(db)
        found = (await lifetime(ask))["agents"]["nodes"][1]["lifetime"]
        assert found == PLANNER | {
            "runs": 6,
            "succeeded": 3,
            "unfinished": 0,
            "messages": 12,
            "successRate": 3 / 5,
            "errorRate": 2 / 5,
            "cost": {"total": "3.25", "perRun": "1.083333333", "estimatedRuns": 0, "unknownRuns": 3},
        }


async def test_a_project_has_its_own_and_nothing_is_nulls(ask: Ask, record: Ask, db: Database) -> None:
    await record(*RUNS, {"agent": "seller", "project": "shop", "pheromoneScore": 0.2})
    await fold(db)
    shop = (await lifetime(ask, project="shop"))["lifetime"]
    assert (shop["runs"], shop["averagePheromone"]) == (1, 0.2)
    empty = (await lifetime(ask, project="nowhere"))["lifetime"]
    assert (empty["runs"], empty["successRate"], empty["averageMs"], empty["averagePheromone"]) == (0, None, None, None)
    bound = await db.fetchval("SELECT id FROM project WHERE slug = 'shop'")
    assert (await ask(QUERY, frozenset({bound})))["lifetime"] == shop


async def test_the_moment_is_now(ask: Ask) -> None:
    before = datetime.now(UTC)
    taken = datetime.fromisoformat((await ask("{ lifetime { takenAt } }"))["lifetime"]["takenAt"])
    assert before <= taken <= datetime.now(UTC)


async def test_many_agents_take_one_statement(ask: Ask, record: Ask, statements: list[str]) -> None:
    await record(*RUNS)
    statements.clear()
    await ask("{ agents { nodes { lifetime { runs } } } }")
    assert len(statements) == 2
