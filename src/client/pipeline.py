"""All that goes on in the background for one recorder in one process."""

import time
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from threading import RLock, Thread
from typing import TYPE_CHECKING

from .backlog import Backlog, Mark
from .counts import Counts, Tally
from .endpoint import Endpoint
from .message import Message
from .notices import Notices, logger
from .outbox import Outbox
from .packer import Packer
from .sender import Sender

if TYPE_CHECKING:  # see outbox.py
    from .spool import Spool

MOST_IN_BATCH = 10_000
"""Runs that the API takes in a request."""
BATCH_BYTES = 4 * 1024 * 1024
AT_ONCE = 2
"""Requests under way at the same time at most: while PostgreSQL writes one, the server reads the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """As `Recorder` takes them, which says what they mean."""

    url: str
    key: str | None
    batch_size: int
    max_age: float
    capacity: int
    spool: Path | None
    spool_sync: bool
    spool_bytes: int
    timeout: float
    tls: SSLContext | None

    def check(self) -> None:
        """Raises ValueError for what cannot be right."""
        if not 1 <= self.batch_size <= MOST_IN_BATCH:
            raise ValueError(f"batch_size is {self.batch_size}; allowed are 1 to {MOST_IN_BATCH}.")
        for name in ("capacity", "max_age", "spool_bytes", "timeout"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be more than 0.")


class Pipeline:
    """Its threads are daemons: a process never waits for them but in `close`."""

    def __init__(self, settings: Settings) -> None:
        self.tally = Tally()
        self._notices = Notices()
        self._backlog = Backlog(capacity=settings.capacity, batch_size=settings.batch_size)
        self._spool = _spool(settings)
        self._outbox = Outbox(
            self._spool, batch_size=settings.batch_size, batch_bytes=BATCH_BYTES, notices=self._notices
        )
        self._packer = Packer(
            backlog=self._backlog,
            outbox=self._outbox,
            tally=self.tally,
            notices=self._notices,
            max_age=settings.max_age,
            batch_bytes=BATCH_BYTES,
        )
        self._endpoints = [
            Endpoint(settings.url, settings.key, timeout=settings.timeout, tls=settings.tls) for _ in range(AT_ONCE)
        ]
        self._senders = [self._sender(endpoint, is_spare=number > 0) for number, endpoint in enumerate(self._endpoints)]
        self._threads: list[Thread] = []
        self._starting = RLock()
        self._is_used = False
        self._closed = False

    def start(self) -> None:
        with self._starting:
            if not self._threads:
                self._threads = [
                    Thread(target=self._packer.run, name="formicary-packer", daemon=True),
                    *(Thread(target=sender.run, name="formicary-sender", daemon=True) for sender in self._senders),
                ]
                for thread in self._threads:
                    thread.start()

    def add(self, message: Message) -> bool:
        """Whether this was the first one."""
        if self._closed or not self._backlog.add(message):
            self.tally.add("dropped")
        if self._is_used:
            return False
        self._is_used = True
        self.start()
        return True

    def counts(self) -> Counts:
        return self.tally.counts(waiting=len(self._backlog) + len(self._outbox))

    def flush(self, timeout: float) -> bool:
        """Whether all that was added before has been answered for by the server within so many seconds."""
        if self._closed or not self._threads:
            return self.counts().waiting == 0
        return self._passes(Mark(), timeout)

    def close(self, timeout: float) -> None:
        """Flush, and end the threads. What could not be sent stays in the spool, or is lost."""
        with self._starting:
            was_closed, self._closed = self._closed, True
        if was_closed or not self._threads:
            return
        begun = time.monotonic()
        self._passes(Mark(closes=True), timeout)
        for sender in self._senders:
            sender.stop()
        self._outbox.close()
        for thread in self._threads:
            thread.join(max(0.1, begun + timeout - time.monotonic()))
        self._leave()

    def abandon(self) -> None:
        """In a forked child: forget all, it is the parent's."""
        for endpoint in self._endpoints:
            endpoint.close()
        if self._spool is not None:
            self._spool.abandon()

    def _sender(self, endpoint: Endpoint, *, is_spare: bool) -> Sender:
        return Sender(
            endpoint=endpoint,
            outbox=self._outbox,
            tally=self.tally,
            notices=self._notices,
            keep=self._spool.refuse if self._spool else None,
            is_spare=is_spare,
        )

    def _passes(self, mark: Mark, timeout: float) -> bool:
        self._backlog.mark(mark)
        for sender in self._senders:
            sender.hurry()
        return mark.arrived.wait(timeout)

    def _leave(self) -> None:
        if lost := self._outbox.forget():
            self.tally.add("lost", lost)
            logger.warning("%d runs are lost, since they could not be sent before the end", lost)
        if left := len(self._outbox):
            logger.info("%d runs are left in the spool for the next process", left)
        if self._spool is not None:
            self._spool.close()


def _spool(settings: Settings) -> "Spool | None":
    if settings.spool is None:
        return None
    from .spool import Spool

    return Spool(settings.spool, most_bytes=settings.spool_bytes, sync=settings.spool_sync)
