"""Lets any number of processes share one embedded server.

Each user of it holds a shared lock for as long as it lives; whoever leaves and gets that lock alone was the
last and stops the server. The kernel drops the locks of a killed process, so nothing stale is left: at worst
a server that runs without a user, which the next one takes over. The gate, an exclusive lock, is held only
while somebody starts or stops.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

from ..errors import ConfigurationError
from .account import Account
from .binaries import find_binaries
from .cluster import START_SECONDS, USER, Cluster
from .socket_directory import PORT, is_listening, remove_socket_directory, socket_directory


class EmbeddedPostgres:
    """The server in `data_path`, running while the block lasts. In a coroutine call it in a thread.

    Without `fsync` a crash of the machine loses the data; that is for tests.
    Raises ConfigurationError where PostgreSQL is missing, too old for the data, or does not start.
    """

    def __init__(self, data_path: Path, *, fsync: bool = True) -> None:
        self._home = data_path
        self._fsync = fsync
        self._directory = data_path / "postgres"
        self._cluster: Cluster | None = None
        self._users: int | None = None
        self._dsn: str | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def dsn(self) -> str:
        """How to connect. It stays the same when the server is restarted by `ensure_running`."""
        if self._dsn is None:
            raise RuntimeError("the embedded PostgreSQL has not been started")
        return self._dsn

    def start(self) -> None:
        try:
            self._make_home()
            if self._users is None:
                self._users = self._open_lock("postgres.users")
            self.ensure_running()
        except BaseException as error:
            self._leave()
            if isinstance(error, OSError):
                raise ConfigurationError(f"cannot keep PostgreSQL's data in {self._home}: {error}") from error
            raise

    def ensure_running(self) -> None:
        """Start the server if it does not run; somebody may have killed it."""
        if self._users is None:
            raise RuntimeError("the embedded PostgreSQL has not been started")
        with self._gate():
            fcntl.flock(self._users, fcntl.LOCK_SH)
            account = Account.of_server(self._directory)
            self._cluster = self._cluster or self._open_cluster(account)
            directory = self._running_server(self._cluster)
            if directory is None:
                directory = socket_directory(self._home, account)
                self._cluster.start(directory, fsync=self._fsync)
            self._dsn = f"postgresql://{USER}@/postgres?host={quote(str(directory), safe='')}&port={PORT}"

    def stop(self) -> None:
        """Leave; the last one out stops the server."""
        if self._users is None:
            return
        with self._gate():
            try:
                if self._cluster is not None and self._is_last(self._users):
                    self._cluster.stop()
                    remove_socket_directory(self._home)
            finally:
                self._leave()

    @staticmethod
    def _is_last(users: int) -> bool:
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _leave(self) -> None:
        if self._users is not None:
            os.close(self._users)
        self._users = None

    def _open_cluster(self, account: Account) -> Cluster:
        """The data directory, made if there is none, with the programs that fit it."""
        version = self._directory / "PG_VERSION"
        if version.exists():
            return Cluster(self._directory, find_binaries(account, int(version.read_text())), account)
        cluster = Cluster(self._directory, find_binaries(account, None), account)
        cluster.create(fsync=self._fsync)
        return cluster

    def _running_server(self, cluster: Cluster) -> Path | None:
        """The socket directory of the server that runs, once it is neither starting nor stopping.

        Who began that may have been killed midway.
        """
        deadline = time.monotonic() + START_SECONDS
        while (pid_file := cluster.running()) is not None and pid_file.status != "ready":
            if time.monotonic() > deadline:
                raise ConfigurationError(f"PostgreSQL in {self._directory} stays '{pid_file.status}'")
            time.sleep(0.02)
        if pid_file is None:
            return None
        if is_listening(pid_file.socket_directory):
            return pid_file.socket_directory
        cluster.stop()  # its socket was deleted: nobody can talk to it any more
        return None

    def _make_home(self) -> None:
        if not self._home.exists():
            mode = 0o711 if os.geteuid() == 0 else 0o700  # the server's user has to pass through root's
            self._home.mkdir(mode=mode, parents=True, exist_ok=True)

    @contextmanager
    def _gate(self) -> Iterator[None]:
        gate = self._open_lock("postgres.lock")
        try:
            fcntl.flock(gate, fcntl.LOCK_EX)
            yield
        finally:
            os.close(gate)

    def _open_lock(self, name: str) -> int:
        return os.open(self._home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
