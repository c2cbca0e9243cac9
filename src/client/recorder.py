"""What agent code makes one of, at its start."""

import os
from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext
from typing import ParamSpec, TypeVar, Unpack

from . import lifetime
from .counts import Counts
from .decorator import recorded
from .facts import Facts, RunKey
from .identifier import new_id
from .message import Message
from .pipeline import Pipeline, Settings
from .run import Run

P = ParamSpec("P")
T = TypeVar("T")

DEFAULT_PROJECT = "default"
UNVERSIONED = "unversioned"
NOTHING = Counts(delivered=0, rejected=0, dropped=0, lost=0, waiting=0)


class Recorder:
    """Records runs on the server at `url`; `key` is an API key with the role INGEST. Make one for each process.

    With `url=None` nothing is recorded, so that an agent can be run without a server.

    project, version: of runs that name none.
    announce: whether a run is also sent when it starts, as RUNNING.
    batch_size, max_age: a request is made when so many messages wait, or the first has waited for so many seconds.
    capacity: so many messages wait in memory at most; further ones are dropped, and counted.
    spool: a directory on a local disk where messages are kept until the server has them, also over the end of the
        process; several processes may share it. It is made if need be.
    spool_sync: whether each write to it is synced to the disk, so that also a loss of power loses nothing.
    spool_bytes: so much is kept there by one process at most.
    timeout: seconds to wait for the server to connect or to answer.
    exit_timeout: seconds that the end of the process may take for what is not sent yet.
    tls: for a server with a certificate that the system does not know.

    Raises ValueError for an argument that cannot be right, and OSError for a spool that cannot be made. After that
    nothing raises: what goes wrong is logged under `formicary.client`, and counted in `counts`.
    """

    def __init__(
        self,
        url: str | None,
        key: str | None = None,
        *,
        project: str = DEFAULT_PROJECT,
        version: str = UNVERSIONED,
        announce: bool = False,
        batch_size: int = 1_000,
        max_age: float = 1.0,
        capacity: int = 20_000,
        spool: str | os.PathLike[str] | None = None,
        spool_sync: bool = False,
        spool_bytes: int = 1024**3,
        timeout: float = 10.0,
        exit_timeout: float = 5.0,
        tls: SSLContext | None = None,
    ) -> None:
        self._project = project
        self._version = version
        self._announces = announce
        self._exit_timeout = exit_timeout
        self._settings: Settings | None = None
        self._pipeline: Pipeline | None = None
        if url is not None:
            self._settings = Settings(
                url=url,
                key=key,
                batch_size=batch_size,
                max_age=max_age,
                capacity=capacity,
                spool=None if spool is None else Path(spool),
                spool_sync=spool_sync,
                spool_bytes=spool_bytes,
                timeout=timeout,
                tls=tls,
            )
            self._settings.check()
            self._begin(self._settings)

    def run(
        self,
        agent: str,
        *,
        version: str | None = None,
        project: str | None = None,
        external_id: str | None = None,
        parent: Run | RunKey | None = None,
        announce: bool | None = None,
        **facts: Unpack[Facts],
    ) -> Run:
        """A run, to be started. Without an `external_id` it gets a UUID; without a `parent` it has the run around it.

        `parent` is a run, or the `key` of one, also of another process.
        """
        return Run(
            self._record,
            {
                "agent": agent,
                "externalId": external_id or new_id(),
                "project": project or self._project,
            },
            version or self._version,
            parent=parent,
            announces=self._announces if announce is None else announce,
            facts=facts,
        )

    def record(
        self,
        agent: str,
        *,
        version: str | None = None,
        project: str | None = None,
        announce: bool | None = None,
        **facts: Unpack[Facts],
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """A decorator: each call of the function is a run. `current_run()` is that run, within the function.

        Plain functions, coroutines and both kinds of generators may be decorated.
        """

        def new_run() -> Run:
            return self.run(agent, version=version, project=project, announce=announce, **facts)

        return lambda function: recorded(new_run, function)

    @property
    def counts(self) -> Counts:
        return NOTHING if self._pipeline is None else self._pipeline.counts()

    def flush(self, timeout: float = 5.0) -> bool:
        """Send now. Whether the server has answered for all that ended before, within so many seconds."""
        return self._pipeline is None or self._pipeline.flush(timeout)

    def close(self, timeout: float | None = None) -> None:
        """Send what waits, within `exit_timeout` or so many seconds; runs that end later are dropped.

        What could not be sent stays in the spool, or is lost without one. This is done by itself at the end of the
        process.
        """
        if self._pipeline is not None:
            self._pipeline.close(self._exit_timeout if timeout is None else timeout)
            lifetime.forget(self)

    def after_fork(self) -> None:
        """In a forked child: what waits is the parent's to send; the child begins with nothing."""
        if self._pipeline is not None and self._settings is not None:
            self._pipeline.abandon()
            self._pipeline = Pipeline(self._settings)

    def _begin(self, settings: Settings) -> None:
        if settings.spool is not None:
            settings.spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._pipeline = Pipeline(settings)
        self._pipeline.start()
        lifetime.remember(self)

    def _record(self, message: Message) -> None:
        if self._pipeline is not None and self._pipeline.add(message):
            lifetime.close_with_child(self)
