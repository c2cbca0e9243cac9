"""The pool: its limits, its errors, and what it does when the server goes away."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlmodel import col, select

from formicary.config import Settings
from formicary.db import Database, PoolUse
from formicary.embedded import EmbeddedPostgres
from formicary.errors import LimitError, OverloadedError, UnavailableError
from formicary.models import Agent, Project

from .postgres import wait_for


@asynccontextmanager
async def opened(dsn: str, **changes: object) -> AsyncIterator[Database]:
    database = await Database.open(dsn, Settings.model_validate(changes))
    yield database
    await database.close()


async def test_a_test_has_a_database_of_its_own(db: Database, statements: list[str]) -> None:
    assert await db.fetchval("SELECT slug FROM project") == "default"
    assert statements == ["SELECT slug FROM project"]


async def test_times_are_utc_and_nothing_is_compiled_just_in_time(db: Database) -> None:
    assert await db.fetchval("SHOW timezone") == "UTC"
    assert await db.fetchval("SHOW jit") == "off"


async def test_who_finds_no_free_connection_in_time_is_told_to_come_back(dsn: str) -> None:
    async with opened(dsn, pool_size=1, pool_timeout=0.05) as db, db.connection():
        with pytest.raises(OverloadedError):
            await db.fetch("SELECT 1")


async def test_who_waits_for_a_connection_gets_it_when_it_is_free(dsn: str) -> None:
    async with opened(dsn, pool_size=1) as db:
        assert await asyncio.gather(*(db.fetchval("SELECT $1::int", n) for n in range(20))) == list(range(20))


@pytest.mark.parametrize("pgbouncer", [False, True])
async def test_a_statement_that_takes_too_long_is_cancelled(dsn: str, pgbouncer: bool) -> None:
    async with opened(dsn, statement_timeout=0.05, pgbouncer=pgbouncer) as db:
        with pytest.raises(LimitError, match=r"longer than 0\.05 s"):
            await db.fetch("SELECT pg_sleep(60)")
        assert await db.fetchval("SELECT 1") == 1


@pytest.mark.parametrize("pgbouncer", [False, True])
async def test_who_waits_too_long_to_write_behind_others_is_told_to_come_back(dsn: str, pgbouncer: bool) -> None:
    rename = "UPDATE project SET name = 'Other' WHERE slug = 'default' RETURNING name"
    async with opened(dsn, statement_timeout=0.1, pgbouncer=pgbouncer) as db, db.transaction() as other:
        await other.execute(rename)
        for write in (db.write, db.execute):
            with pytest.raises(OverloadedError):
                await write(rename)
        with pytest.raises(OverloadedError):
            async with db.transaction() as connection:
                await connection.execute(rename)


async def test_a_transaction_is_committed_whole_or_not_at_all(db: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        await add_project_and(db, lambda: 1 / 0)
    async with db.transaction() as connection:
        await connection.execute("INSERT INTO project (slug, name) VALUES ('kept', 'Kept')")
    assert [row["slug"] for row in await db.fetch("SELECT slug FROM project ORDER BY id")] == ["default", "kept"]


async def test_a_transaction_left_open_does_not_leak_to_the_next_user(dsn: str) -> None:
    async with opened(dsn, pool_size=1) as db:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # asyncpg complains, rightly
        async with db.connection() as connection:
            await connection.execute("BEGIN; INSERT INTO project (slug, name) VALUES ('lost', 'Lost')")
        assert await db.fetchval("SELECT count(*) FROM project") == 1


async def test_an_error_of_the_caller_is_passed_on_as_it_is(db: Database) -> None:
    with pytest.raises(asyncpg.UndefinedTableError):
        await db.fetch("SELECT * FROM nowhere")
    with pytest.raises(FileNotFoundError):
        async with db.connection():
            raise FileNotFoundError


async def test_a_read_outlives_the_loss_of_its_connection(db: Database, server_dsn: str) -> None:
    await db.fetchval("SELECT 1")
    wait_for(cut_connections_of(db, server_dsn))  # this loop stands still and cannot notice
    assert await db.fetchval("SELECT 1") == 1


async def test_losing_the_connection_in_a_transaction_is_unavailable_and_nothing_is_kept(
    db: Database, server_dsn: str
) -> None:
    with pytest.raises(UnavailableError):
        await add_project_and(db, lambda: cut_connections_of(db, server_dsn))
    assert await db.fetchval("SELECT count(*) FROM project") == 1


async def add_project_and(db: Database, act: Callable[[], Any]) -> None:
    async with db.transaction() as connection:
        await connection.execute("INSERT INTO project (slug, name) VALUES ('lost', 'Lost')")
        await act()


async def test_a_connection_that_was_cut_is_given_back_without_an_error(db: Database, server_dsn: str) -> None:
    async with db.connection():
        await db._pool.expire_connections()
        wait_for(cut_connections_of(db, server_dsn))  # this loop stands still and cannot notice
    assert await db.fetchval("SELECT 1") == 1


async def cut_connections_of(db: Database, server_dsn: str) -> None:
    name = db.dsn.split("?")[0].rsplit("/")[-1]
    connection = await asyncpg.connect(server_dsn)
    await connection.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name)
    await connection.close()


async def test_a_server_that_restarts_is_unavailable_and_then_answers_again(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, fsync=False)
    await asyncio.to_thread(server.start)
    async with opened(server.dsn, pool_size=4) as db:
        await asyncio.gather(*(db.fetchval("SELECT pg_backend_pid()") for _ in range(4)))
        await asyncio.to_thread(server.stop)
        with pytest.raises(UnavailableError):
            await db.fetchval("SELECT 1")
        await asyncio.to_thread(server.start)
        assert await asyncio.gather(*(db.fetchval("SELECT 1") for _ in range(8))) == [1] * 8
    await asyncio.to_thread(server.stop)


async def test_slow_statements_are_logged_without_their_parameters(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    async with opened(dsn, slow_statement_ms=0.001) as db:
        with caplog.at_level(logging.WARNING, "formicary.db"):
            await db.fetch("SELECT $1::text", "secret")
    assert "SELECT $1::text" in caplog.text
    assert "secret" not in caplog.text


async def test_pgbouncer_gets_no_prepared_statements_and_no_settings(
    dsn: str,
) -> None:
    async with opened(dsn, pgbouncer=True) as db:
        assert await db.fetchval("SELECT 1") == 1
        assert await db.fetchval("SELECT count(*) FROM pg_prepared_statements") == 0


async def test_select_gives_models_with_all_their_values(db: Database) -> None:
    await db.execute(
        """
        INSERT INTO agent (project_id, name, metadata)
        SELECT id, new, '{"team": ["search"]}' FROM project, unnest(ARRAY['a', 'b', 'c']) AS new
        WHERE slug = 'default'
        """
    )
    found = await db.select(select(Agent).where(col(Agent.name).in_(["a", "c"])).order_by(col(Agent.name).desc()))
    assert [agent.name for agent in found] == ["c", "a"]
    assert found[0].metadata_ == {"team": ["search"]}
    assert found[0].created_at.tzinfo is not None


async def test_select_takes_parameters_and_finds_nothing_where_nothing_is(db: Database) -> None:
    assert await db.select(select(Project).where(Project.slug == "'; DROP TABLE project; --")) == []
    [project] = await db.select(select(Project).where(Project.slug == "default").limit(5))
    assert (project.slug, project.name) == ("default", "Default")


async def test_the_use_of_the_pool_is_told(dsn: str) -> None:
    async with opened(dsn, pool_size=2) as db:
        assert db.pool_use == PoolUse(size=1, idle=1, most=2, waiting=0)
        async with db.connection(), db.connection():
            assert db.pool_use == PoolUse(size=2, idle=0, most=2, waiting=0)
            third = asyncio.create_task(db.fetchval("SELECT 1"))
            await asyncio.sleep(0)
            assert db.pool_use.waiting == 1
        assert await third == 1
        assert db.pool_use == PoolUse(size=2, idle=2, most=2, waiting=0)


async def test_limited_work_waits_for_its_own_and_leaves_the_rest_of_the_pool(db: Database) -> None:
    limited = db.limited(1)
    async with limited.connection():
        second = asyncio.create_task(limited.fetchval("SELECT 1"))
        assert await db.fetchval("SELECT 2") == 2
        assert not second.done()
    assert await second == 1


async def test_limited_work_that_holds_a_connection_is_refused_another(db: Database) -> None:
    limited = db.limited(1)
    async with limited.connection():
        with pytest.raises(RuntimeError, match="must not wait"):
            await limited.fetchval("SELECT 1")
    assert await limited.fetchval("SELECT 1") == 1


async def test_limited_work_that_gets_no_connection_gives_its_place_back(dsn: str) -> None:
    async with opened(dsn, pool_size=1, pool_timeout=0.01) as db:
        limited = db.limited(1)
        async with db.connection():
            for _ in range(2):
                with pytest.raises(OverloadedError):
                    await limited.fetchval("SELECT 1")
        assert await limited.fetchval("SELECT 1") == 1


async def test_a_long_statement_stays_prepared(db: Database) -> None:
    """The longest ones take longest to plan."""
    sql = f"SELECT 1 -- {'long' * 10_000}"
    async with db.connection() as connection:
        await connection.fetch(sql)
        assert await connection.fetchval("SELECT count(*) FROM pg_prepared_statements WHERE statement = $1", sql) == 1
