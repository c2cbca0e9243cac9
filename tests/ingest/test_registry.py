"""Agents and versions that runs name are registered once, with the batch or not at all."""

import asyncio
from typing import Any

import asyncpg
import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder

from .factories import run_input, stored_runs
from .test_identity import record_over_several_pools


async def names(db: Database) -> list[tuple[Any, ...]]:
    rows = await db.fetch(
        "SELECT p.slug, a.name, v.version FROM agent a JOIN project p ON p.id = project_id"
        " LEFT JOIN agent_version v ON v.agent_id = a.id ORDER BY 1, 2, 3"
    )
    return [tuple(row) for row in rows]


async def projects(db: Database, *slugs: str) -> frozenset[int]:
    rows = await db.fetch(
        "INSERT INTO project (slug, name) SELECT s, s FROM unnest($1::text[]) AS s RETURNING id", list(slugs)
    )
    return frozenset(row["id"] for row in rows)


async def test_unknown_names_are_registered_once_under_concurrency(dsn: str, settings: Settings, db: Database) -> None:
    def batch(order: int) -> list[Any]:
        numbers = range(10)[::order]
        return [run_input(f"a{n}", project=f"p{n % 2}", version=f"v{n % 3}") for n in numbers]

    await record_over_several_pools(dsn, settings, [batch(1), batch(-1)] * 10)
    assert await names(db) == sorted((f"p{n % 2}", f"a{n}", f"v{n % 3}") for n in range(10))
    assert await db.fetchval("SELECT count(*) FROM agent_state") == 10
    assert len(await stored_runs(db)) == 200


async def test_a_parent_is_registered_without_a_version(db: Database) -> None:
    await Recorder(db).record([run_input(parent={"agent": "caller", "externalId": "x", "project": "other"})])
    assert await names(db) == [("default", "reader", "unversioned"), ("other", "caller", None)]


async def test_known_names_take_no_statement(db: Database, statements: list[str]) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input(), run_input()])
    statements.clear()
    await recorder.record([run_input(), run_input()])
    assert not any(table in text for text in statements for table in ("project ", "agent_version", " agent "))


async def test_a_failed_batch_leaves_no_name_behind_and_none_is_remembered(db: Database) -> None:
    recorder = Recorder(db)
    await db.execute("ALTER TABLE run ADD CONSTRAINT never CHECK (messages < 5)")
    with pytest.raises(asyncpg.CheckViolationError):
        await recorder.record([run_input("new", project="new", version="1", externalId="x", messages=5)])
    assert await names(db) == []
    assert [await db.fetchval(f"SELECT count(*) FROM {table}") for table in ("run_key", "agent_state", "run")] == [
        0,
        0,
        0,
    ]
    result = await recorder.record([run_input("new", project="new", version="1", externalId="x")])
    assert result.recorded == 1
    assert await names(db) == [("new", "new", "1")]


async def test_a_bound_caller_writes_to_its_projects_only(db: Database) -> None:
    scope = await projects(db, "mine")
    batch = [
        run_input(project="mine"),
        run_input(project="default"),
        run_input(project="unknown"),
        run_input(project="mine", parent={"agent": "a", "externalId": "x", "project": "default"}),
        run_input(project="mine", agent=""),
    ]
    result = await Recorder(db).record(batch, scope)
    assert result.recorded == 1
    assert [(item.index, item.problems[0].path, item.problems[0].code) for item in result.rejected] == [
        (1, "project", "FORBIDDEN"),
        (2, "project", "FORBIDDEN"),
        (3, "parent.project", "FORBIDDEN"),
        (4, "agent", "EMPTY"),
    ]
    assert await names(db) == [("mine", "reader", "unversioned")]


async def test_a_caller_bound_to_no_project_writes_nothing(db: Database) -> None:
    result = await Recorder(db).record([run_input()], frozenset())
    assert (result.recorded, len(result.rejected)) == (0, 1)


async def test_a_caller_bound_to_a_project_does_not_see_the_runs_of_another(db: Database) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input(externalId="x", project="other")])
    scope = await projects(db, "mine")
    result = await recorder.record([run_input(externalId="x", project="mine")], scope)
    assert result.recorded == 1


async def test_ids_are_given_once_under_concurrency(db: Database) -> None:
    recorder = Recorder(db)
    results = await asyncio.gather(*(recorder.record([run_input()] * 700) for _ in range(4)))
    ids = [row.id for result in results for row in result.rows if row is not None]
    assert len(set(ids)) == 2_800
