import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import psutil
import pytest

from formicary.auth import Authenticator, create_key, revoke_key
from formicary.db import Database
from formicary.models import Role
from formicary.partitions import monday_of, partition_name

from .commands import PATIENCE, Servers, only_line, run

COMMANDS = [
    [],
    ["serve"],
    ["worker"],
    ["migrate"],
    ["demo"],
    ["aggregate"],
    ["schema"],
    ["key"],
    ["key", "create"],
    ["key", "list"],
    ["key", "revoke"],
    ["pheromone"],
    ["pheromone", "explain"],
]


async def has_tables(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        return bool(await connection.fetchval("SELECT to_regclass('run') IS NOT NULL"))
    finally:
        await connection.close()


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port that is bound, so that nobody else gets it, and refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: list[str]) -> None:
    done = run(*command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"Usage: {' '.join(['formicary', *command])}")


def test_help_loads_nothing_heavy() -> None:
    code = "import sys, formicary.cli; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"pydantic", "sqlalchemy", "strawberry", "asyncpg", "uvicorn"} & set(modules)


def test_the_version_is_told() -> None:
    assert re.fullmatch(r"formicary \d+\.\d+\.\d+", only_line(run("--version").stdout))


@pytest.mark.parametrize("arguments", [["nonsense"], ["serve", "--port", "x"], ["key", "create"]])
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Usage: formicary" in done.stderr


def test_a_wrong_setting_is_named_in_one_line() -> None:
    done = run("migrate", FORMICARY_PORT="many")
    assert done.returncode == 1
    assert "FORMICARY_PORT" in only_line(done.stderr)


def test_a_made_key_is_printed_alone_and_works(dsn: str) -> None:
    done = run("key", "create", "--role", "READ", DATABASE_URL=dsn)
    key = only_line(done.stdout)
    assert key.startswith("fmy_")
    assert key not in done.stderr


async def test_a_made_key_authenticates_with_its_role(db: Database) -> None:
    key = only_line(run("key", "create", "--role", "ingest", "--name", "ci", DATABASE_URL=db.dsn).stdout)
    authenticator = Authenticator(db)
    assert (await authenticator.authenticate(f"Bearer {key}")).role is Role.INGEST
    await authenticator.close()


def test_a_key_for_an_unknown_project_is_refused_in_one_line(dsn: str) -> None:
    done = run("key", "create", "--role", "READ", "--project", "nowhere", DATABASE_URL=dsn)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no project 'nowhere'" in only_line(done.stderr)


async def test_the_list_is_a_table_without_keys(db: Database) -> None:
    await db.execute("INSERT INTO project (slug, name) VALUES ('shop', 'Shop')")
    key, plain = await create_key(db, role=Role.INGEST, projects=["shop"], name="ci")
    await create_key(db, role=Role.ADMIN)
    header, first, second = run("key", "list", DATABASE_URL=db.dsn).stdout.splitlines()
    assert first.split()[:5] == [str(key.id), key.prefix, "INGEST", "shop", "ci"]
    assert [line.index(cell) for line, cell in ((header, "ROLE"), (first, "INGEST"), (second, "ADMIN"))] == [
        header.index("ROLE")
    ] * 3
    assert plain.split("_")[2] not in header + first + second


async def test_a_key_is_revoked_by_its_prefix(db: Database) -> None:
    key, _ = await create_key(db, role=Role.ADMIN)
    assert run("key", "revoke", key.prefix, DATABASE_URL=db.dsn).returncode == 0
    assert await db.fetchval("SELECT revoked_at IS NOT NULL FROM api_key")
    assert run("key", "revoke", "nothing", DATABASE_URL=db.dsn).returncode == 1


async def test_migrate_makes_the_tables_of_an_empty_database(empty_dsn: str) -> None:
    assert not await has_tables(empty_dsn)
    assert run("migrate", DATABASE_URL=empty_dsn).returncode == 0
    assert await has_tables(empty_dsn)


def test_a_flag_wins_over_the_environment(dsn: str, unused_port: int) -> None:
    away = f"postgresql://127.0.0.1:{unused_port}/x"
    done = run("key", "list", "--database-url", dsn, DATABASE_URL=away, FORMICARY_START_TIMEOUT="0.1")
    assert done.returncode == 0


async def test_migrations_go_past_a_pgbouncer(dsn: str, empty_dsn: str) -> None:
    done = run("migrate", DATABASE_URL=dsn, FORMICARY_PGBOUNCER="1")
    assert "set FORMICARY_DIRECT_URL" in only_line(done.stderr)
    run("migrate", DATABASE_URL=dsn, FORMICARY_PGBOUNCER="1", FORMICARY_DIRECT_URL=empty_dsn)
    assert await has_tables(empty_dsn)


def test_a_database_that_is_away_is_waited_for_then_given_up(unused_port: int) -> None:
    url = f"postgresql://someone:geheim@127.0.0.1:{unused_port}/x"
    done = run("serve", DATABASE_URL=url, FORMICARY_START_TIMEOUT="0.3")
    waiting, gave_up = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"waiting for the database postgresql://someone@127.0.0.1:{unused_port}/x" in waiting
    assert "did not answer within 0.3 s" in gave_up
    assert "geheim" not in done.stderr


@pytest.mark.parametrize("url", ["mysql://me:geheim@127.0.0.1/x", "postgresql://me:geheim@127.0.0.1:port/x"])
def test_a_url_that_can_never_work_is_not_waited_for(url: str) -> None:
    done = run("migrate", DATABASE_URL=url)
    assert done.returncode == 1
    assert "geheim" not in only_line(done.stderr)


def test_a_database_that_does_not_exist_is_not_waited_for(dsn: str) -> None:
    done = run("migrate", DATABASE_URL=re.sub(r"/test_\w+", "/test_of_nothing", dsn))
    assert '"test_of_nothing" does not exist' in only_line(done.stderr)


async def test_demo_records_the_sample_data_once(db: Database) -> None:
    first, second = [run("demo", DATABASE_URL=db.dsn) for _ in range(2)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert "Recorded " in first.stderr
    assert "is there already" in second.stderr
    assert await db.fetchval("SELECT count(*) FROM agent") == 8


async def test_serve_shows_the_sample_data_when_it_is_ready(servers: Servers, db: Database) -> None:
    server = servers.start("--demo", DATABASE_URL=db.dsn)
    assert server.ask().json() == {"data": {"agents": {"totalCount": 8}}}


def test_schema_prints_the_sdl() -> None:
    done = run("schema")
    assert done.returncode == 0
    assert "type Mutation {" in done.stdout


def test_serve_says_one_line_when_it_answers_and_stops_in_good_order(servers: Servers, dsn: str) -> None:
    server = servers.start(DATABASE_URL=dsn)
    assert re.fullmatch(r"Formicary is ready at http://127\.0\.0\.1:\d+", server.ready)
    assert (server.status("/healthz"), server.status("/readyz")) == (200, 200)
    code, more_output, _ = server.stop()
    assert (code, more_output) == (0, "")


def test_the_first_log_line_says_address_openness_and_database(servers: Servers, dsn: str) -> None:
    server = servers.start(DATABASE_URL=dsn)
    _, _, errors = server.stop(signal.SIGINT)
    first, *_ = errors.splitlines()
    assert server.url in first
    assert "open to everybody on this machine" in first
    assert "on postgresql://formicary@/test_" in first


def test_two_servers_share_one_embedded_database_and_the_last_one_stops_it(servers: Servers, tmp_path: Path) -> None:
    first = servers.start("--data-dir", str(tmp_path))
    second = servers.start("--data-dir", str(tmp_path))
    assert first.stop()[0] == 0
    assert second.status("/readyz") == 200
    assert second.stop()[0] == 0
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()


def test_a_killed_embedded_database_is_started_again(servers: Servers, tmp_path: Path) -> None:
    server = servers.start("--data-dir", str(tmp_path))
    killed = int((tmp_path / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(killed, signal.SIGKILL)
    psutil.Process(killed).wait(PATIENCE)
    while server.status("/readyz") != 200:
        assert server.process.poll() is None
    assert server.stop()[0] == 0


async def test_serve_makes_the_partitions_ahead(servers: Servers, db: Database) -> None:
    partition = partition_name(monday_of(datetime.now(UTC) + timedelta(weeks=1)))
    await db.execute(f"DROP TABLE {partition}")
    servers.start(DATABASE_URL=db.dsn)
    async with asyncio.timeout(PATIENCE):
        while await db.fetchval("SELECT to_regclass($1)", partition) is None:
            continue


def test_a_signal_during_the_start_ends_it_in_good_order(servers: Servers, unused_port: int) -> None:
    server = servers.begin(DATABASE_URL=f"postgresql://127.0.0.1:{unused_port}/x")
    assert server.process.stderr is not None
    assert "waiting" in server.process.stderr.readline()
    assert server.stop() == (0, "", "")


def test_a_port_in_use_is_said_in_one_line(servers: Servers, dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port), DATABASE_URL=dsn)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {port} of 127.0.0.1 is in use" in only_line(done.stderr)


def test_an_address_that_is_none_is_said_in_one_line() -> None:
    done = run("serve", "--host", "nowhere.invalid")
    assert "no address 'nowhere.invalid'" in only_line(done.stderr)


def test_a_server_for_other_machines_refuses_to_start_without_a_key(dsn: str) -> None:
    done = run("serve", "--host", "0.0.0.0", "--port", "0", DATABASE_URL=dsn)
    assert (done.returncode, done.stdout) == (1, "")
    assert "formicary key create --role ADMIN" in only_line(done.stderr)


async def test_a_server_for_other_machines_never_runs_open(db: Database) -> None:
    await create_key(db, role=Role.ADMIN)
    done = run("serve", "--host", "0.0.0.0", "--port", "0", "--open", DATABASE_URL=db.dsn)
    assert (done.returncode, done.stdout) == (1, "")
    assert "may not run open" in only_line(done.stderr)


async def test_a_server_with_a_key_asks_for_it_on_any_address(servers: Servers, db: Database) -> None:
    _, plain = await create_key(db, role=Role.READ)
    for host in ("127.0.0.1", "0.0.0.0"):
        server = servers.start("--host", host, DATABASE_URL=db.dsn)
        assert server.ask().status_code == 401
        assert server.ask(authorization=f"Bearer {plain}").status_code == 200
        _, _, errors = server.stop()
        assert "API keys required" in errors.splitlines()[0]
        assert plain not in errors


async def test_revoking_the_last_key_does_not_open_a_local_server(servers: Servers, db: Database) -> None:
    key, _ = await create_key(db, role=Role.READ)
    await revoke_key(db, key.prefix)
    assert servers.start(DATABASE_URL=db.dsn).ask().status_code == 401
    assert servers.start("--open", DATABASE_URL=db.dsn).ask().status_code == 200
