"""One data directory of PostgreSQL: made, configured, started, stopped, and looked at."""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from ..errors import ConfigurationError
from .account import Account, CommandError
from .binaries import Binaries
from .socket_directory import PORT, is_listening

USER = "formicary"
START_SECONDS = 60
ORPHAN_SECONDS = 10
LOG = "server.log"

SETTINGS = {
    "listen_addresses": "''",
    "port": str(PORT),
    "max_connections": "100",
    "shared_buffers": "128MB",
    "dynamic_shared_memory_type": "posix",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "wal_compression": "off",  # it saved a tenth of the WAL, and halved recording after a checkpoint
    "checkpoint_timeout": "15min",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "4",
    "max_parallel_workers": "2",
    "autovacuum_max_workers": "2",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "log",  # errors of statements are the application's to tell
}
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PidFile(NamedTuple):
    """What a server says of itself in postmaster.pid; `status` is empty before it has come that far."""

    pid: int
    socket_directory: Path
    status: str


class Cluster:
    def __init__(self, directory: Path, binaries: Binaries, account: Account) -> None:
        self._directory = directory
        self._binaries = binaries
        self._account = account

    def create(self, *, fsync: bool) -> None:
        """Make the data directory, under a temporary name first: a half-made one is never taken for whole."""
        for abandoned in self._directory.parent.glob(f"{self._directory.name}.new-*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        unfinished = self._directory.with_name(f"{self._directory.name}.new-{secrets.token_hex(4)}")
        unfinished.mkdir(mode=0o700)
        self._account.own(unfinished)
        try:
            self._execute("initdb", *self._initdb_arguments(fsync=fsync), directory=unfinished)
        except CommandError as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise ConfigurationError(f"PostgreSQL could not make {self._directory}: {error}") from error
        unfinished.rename(self._directory)

    def _initdb_arguments(self, *, fsync: bool) -> list[str]:
        locale = ["--locale=C.UTF-8"]
        if self._binaries.major >= 17:
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        durability = [] if fsync else ["--no-sync"]
        return [f"--username={USER}", "--auth=peer", "--encoding=UTF8", "--no-instructions", *locale, *durability]

    def start(self, socket_directory: Path, *, fsync: bool) -> None:
        """Start the server and wait until it takes connections, else raise ConfigurationError."""
        self._configure(socket_directory, fsync=fsync)
        self._disown_pid_file()
        deadline = time.monotonic() + ORPHAN_SECONDS
        while True:
            self._put_log_aside()
            try:
                self._execute("pg_ctl", "start", "--silent", f"--timeout={START_SECONDS}", log=True)
            except CommandError as error:
                reason = self._log_tail() or str(error)
                if "pre-existing shared memory" in reason and time.monotonic() < deadline:
                    time.sleep(0.1)  # the children of a killed server are still on their way out
                    continue
                raise ConfigurationError(f"PostgreSQL did not start in {self._directory}: {reason}") from error
            return

    def stop(self) -> None:
        """Stop the server at once but cleanly: transactions that are open are rolled back."""
        pid_file = self._read_pid_file()
        if pid_file is None or not self._is_server(pid_file.pid):
            return
        try:
            self._execute("pg_ctl", "stop", "--silent", "--mode=fast", f"--timeout={START_SECONDS}")
        except CommandError as error:
            raise ConfigurationError(f"PostgreSQL in {self._directory} did not stop: {error}") from error

    def running(self) -> PidFile | None:
        """The server that runs on this directory; a stale file or a foreign process is none."""
        pid_file = self._read_pid_file()
        if pid_file and (self._is_server(pid_file.pid) or is_listening(pid_file.socket_directory)):
            return pid_file
        return None

    def _read_pid_file(self) -> PidFile | None:
        try:
            lines = self._path("postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        lines += [""] * (8 - len(lines))
        return PidFile(int(lines[0] or 0), Path(lines[4]), lines[7].strip())

    def _is_server(self, pid: int) -> bool:
        """Whether the process is our server and not another that has got the number of a dead one.

        A server always works in its data directory; only that may be hidden from root in a container.
        """
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE or process.uids().real != self._account.uid:
                return False
            return self._directory.samefile(process.cwd())
        except psutil.AccessDenied:
            return bool(process.name() == "postgres")
        except (psutil.NoSuchProcess, FileNotFoundError):
            return False

    def _disown_pid_file(self) -> None:
        """Make PostgreSQL see that a pid file is stale although its number is now another process's.

        It ignores our own number, because we are the parent of pg_ctl. The rest of the file stays: by it the
        server notices children of a killed one that still use its shared memory.
        """
        path = self._path("postmaster.pid")
        if path.exists():
            _, _, rest = path.read_text().partition("\n")
            self._write("postmaster.pid", f"{os.getpid()}\n{rest}")

    def _configure(self, socket_directory: Path, *, fsync: bool) -> None:
        settings = SETTINGS | {"unix_socket_directories": _quoted(str(socket_directory))}
        if self._binaries.major >= 18:
            settings["io_method"] = "sync"
        if not fsync:
            settings |= UNSAFE_SETTINGS
        lines = [f"{name} = {value}\n" for name, value in settings.items()]
        self._write(
            "postgresql.conf",
            "# written at each start; ALTER SYSTEM keeps settings of your own\n" + "".join(lines),
        )
        self._write("pg_hba.conf", "local all all peer map=formicary\n")
        self._write("pg_ident.conf", "".join(f'formicary "{name}" {USER}\n' for name in sorted(self._account.names())))

    def _write(self, name: str, text: str) -> None:
        """Replace a file as a whole, never following a link that the server's user may have put there."""
        unfinished = self._path(f"{name}.{secrets.token_hex(4)}")
        with unfinished.open("x") as file:
            file.write(text)
        self._account.own(unfinished)
        unfinished.chmod(0o600)
        unfinished.rename(self._path(name))

    def _put_log_aside(self) -> None:
        if self._path(LOG).exists():
            self._path(LOG).rename(self._path(f"{LOG}.old"))

    def _log_tail(self) -> str:
        try:
            lines = self._path(LOG).read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "\n".join(lines[-8:])

    def _execute(self, program: str, *arguments: str, directory: Path | None = None, log: bool = False) -> None:
        with self._within_reach(directory or self._directory) as (reachable, descriptors):
            command = [str(self._binaries.directory / program), "--pgdata", reachable, *arguments]
            if log:
                command += ["--log", f"{reachable}/{LOG}"]
            self._account.execute(command, pass_fds=descriptors)

    @contextmanager
    def _within_reach(self, directory: Path) -> Iterator[tuple[str, list[int]]]:
        """A path by which the server's user finds `directory`, even below one that is closed to it (/root).

        A descriptor that it inherits opens the directory itself, past all that lie above.
        """
        if self._account.is_ours or not sys.platform.startswith("linux"):
            yield str(directory), []
            return
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield f"/proc/self/fd/{descriptor}", [descriptor]
        finally:
            os.close(descriptor)

    def _path(self, name: str) -> Path:
        return self._directory / name


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
