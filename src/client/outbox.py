"""Batches on their way from the packer to the senders: in memory, or on disk where there is a spool."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import Condition
from typing import TYPE_CHECKING, Protocol, TypeAlias

from .backlog import Mark
from .notices import Notices

if TYPE_CHECKING:  # its locks are POSIX's; without a spool the recorder runs on Windows, too
    from .spool import Spool

BATCHES_IN_MEMORY = 4
"""Further ones are not packed before there is room; their runs wait in the backlog."""


class Batch(Protocol):
    """Lines of JSON that are sent in one request; `size` is in bytes."""

    in_memory: bool
    grows: bool
    size: int

    def __len__(self) -> int: ...

    def append(self, lines: Sequence[bytes]) -> None: ...

    def read(self) -> list[bytes]: ...

    def discard(self) -> None:
        """The server has it, or will never have it."""


class MemoryBatch:
    in_memory = True
    grows = True

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self.size = 0

    def __len__(self) -> int:
        return len(self._lines)

    def append(self, lines: Sequence[bytes]) -> None:
        self._lines += lines
        self.size += sum(map(len, lines))

    def read(self) -> list[bytes]:
        return self._lines

    def discard(self) -> None:
        self._lines = []


Item: TypeAlias = Batch | Mark


class Outbox:
    """First in, first out. The last batch takes in what comes next, while it waits and has room.

    Several batches may be under way at the same time. A mark is handed out when all before it have been settled.
    """

    def __init__(self, spool: "Spool | None", *, batch_size: int, batch_bytes: int, notices: Notices) -> None:
        self._spool = spool
        self._batch_size = batch_size
        self._batch_bytes = batch_bytes
        self._notices = notices
        self._items: deque[Item] = deque()
        self._under_way: list[Batch] = []
        self._changed = Condition()
        self._closed = False

    def __len__(self) -> int:
        """Of runs, those in segments of other processes not included."""
        with self._changed:
            return sum(map(len, self._batches()))

    def put(self, lines: Sequence[bytes]) -> bool:
        """Add lines, as soon as there is room. False if there will be none any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room())
            if not self._has_room():
                return False
            if not self._extends_last(lines):
                self._items.append(self._batch_of(lines))
            self._changed.notify_all()
            return True

    def mark(self, mark: Mark) -> None:
        with self._changed:
            self._items.append(mark)
            self._changed.notify_all()

    def adopt(self) -> None:
        """Take over what processes that are gone have left in the spool."""
        with self._changed:
            if self._spool is None:
                return
            try:
                self._items.extendleft(reversed(self._spool.orphans()))
            except OSError as error:
                self._notices.tell("spool", "the spool cannot be read: %s", error)

    def take(self, timeout: float | None) -> Item | None:
        """The first item; None if none came within `timeout` seconds, or the outbox was closed.

        While a batch is under way the next one is only handed out when it is full: until then it takes in more.
        """
        return self._first(lambda: not self._under_way or self._is_next_full(), timeout)

    def take_besides(self) -> Item | None:
        """The first item as soon as it is a full batch, whatever is under way; None when the outbox was closed."""
        return self._first(self._is_next_full, None)

    def settle(self, batch: Batch) -> None:
        with self._changed:
            self._under_way.remove(batch)
            try:
                batch.discard()
            except OSError as error:
                self._notices.tell("spool", "a segment of the spool cannot be removed: %s", error)
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody waits for room or for items any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def forget(self) -> int:
        """Drop what is in memory, and say how many runs that are."""
        with self._changed:
            dropped = [batch for batch in self._batches() if batch.in_memory]
            number = sum(map(len, dropped))
            for batch in dropped:
                batch.discard()
            return number

    def _first(self, may_go: Callable[[], bool], timeout: float | None) -> Item | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or (self._items and may_go()), timeout)
            if self._closed or not self._items or not may_go():
                return None
            item = self._items.popleft()
            if not isinstance(item, Mark):
                self._under_way.append(item)
            return item

    def _is_next_full(self) -> bool:
        """Whether the first item is a batch that takes in no more, since it has no room or is not the last."""
        item = self._items[0] if self._items else None
        if item is None or isinstance(item, Mark):
            return False
        return not item.grows or len(item) >= self._batch_size or item is not self._last()

    def _last(self) -> Batch | None:
        return next((item for item in reversed(self._items) if not isinstance(item, Mark)), None)

    def _batches(self) -> Iterator[Batch]:
        yield from self._under_way
        yield from (item for item in self._items if not isinstance(item, Mark))

    def _has_room(self) -> bool:
        in_memory = sum(batch.in_memory for batch in self._batches())
        return in_memory < BATCHES_IN_MEMORY and (self._spool is None or self._spool.has_room)

    def _extends_last(self, lines: Sequence[bytes]) -> bool:
        """A mark behind the last batch is no hindrance: it comes to the sender no sooner than it should."""
        last = self._last()
        if last is None or not last.grows or len(last) + len(lines) > self._batch_size:
            return False
        return last.size + sum(map(len, lines)) <= self._batch_bytes and self._appended(last, lines)

    def _batch_of(self, lines: Sequence[bytes]) -> Batch:
        if self._spool is not None:
            segment = self._spool.segment()
            if self._appended(segment, lines):
                return segment
        batch = MemoryBatch()
        batch.append(lines)
        return batch

    def _appended(self, batch: Batch, lines: Sequence[bytes]) -> bool:
        """False where the disk does not take them; they are then kept in memory."""
        try:
            batch.append(lines)
        except OSError as error:
            self._notices.tell("spool", "the spool cannot be written: %s", error)
            return False
        return True
