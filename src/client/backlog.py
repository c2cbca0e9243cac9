"""Messages that wait to be packed: where agents leave them and go on."""

from collections.abc import Sequence
from queue import Empty, SimpleQueue
from threading import Event
from typing import NamedTuple, TypeAlias

from .message import Message


class Mark:
    """Goes the way of the messages, behind those that were there before it. The one that closes goes last."""

    def __init__(self, *, closes: bool = False) -> None:
        self.closes = closes
        self.arrived = Event()


Item: TypeAlias = Message | Mark


class Taken(NamedTuple):
    """Messages in the order in which they came, and the mark that came after them, if one did."""

    messages: Sequence[Message]
    mark: Mark | None


class Backlog:
    """At most `capacity` messages; more are refused.

    `add` takes no lock that another thread could hold, so it does not wait, and it may be called in signal handlers
    and finalizers, whatever they interrupt: a SimpleQueue is made for that.
    """

    def __init__(self, *, capacity: int, batch_size: int) -> None:
        self._capacity = capacity
        self._batch_size = batch_size
        self._items: SimpleQueue[Item] = SimpleQueue()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._marks: set[Mark] = set()

    def __len__(self) -> int:
        return self._items.qsize()

    def add(self, message: Message) -> bool:
        """Whether there was room."""
        waiting = self._items.qsize()
        if waiting >= self._capacity:
            return False
        self._items.put(message)
        if waiting + 1 == self._batch_size:
            self._wake.put(None)
        return True

    def mark(self, mark: Mark) -> None:
        self._marks.add(mark)
        self._items.put(mark)
        self._wake.put(None)

    def take(self, age: float) -> Taken:
        """The next batch, as soon as it is full, a mark comes or its first message has waited for `age` seconds.

        Waits for a first message for as long as it takes.
        """
        item = self._items.get()
        self._gather(age)
        messages: list[Message] = []
        while not isinstance(item, Mark):
            messages.append(item)
            if len(messages) == self._batch_size:
                return Taken(messages, None)
            try:
                item = self._items.get_nowait()
            except Empty:
                return Taken(messages, None)
        self._marks.discard(item)
        return Taken(messages, item)

    def _gather(self, age: float) -> None:
        """Wait until a batch is full. What woke an earlier wait is forgotten first, and only then it is looked."""
        while not self._wake.empty():
            self._wake.get()
        if not self._marks and self._items.qsize() + 1 < self._batch_size:
            try:
                self._wake.get(timeout=age)
            except Empty:
                return
