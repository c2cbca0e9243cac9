"""From messages to lines of JSON: a thread in the background."""

import time
from collections.abc import Iterator, Sequence

from .backlog import Backlog
from .counts import Tally
from .message import Message, encode
from .notices import Notices, logger
from .outbox import Outbox

AT_ONCE, MOST_AT_ONCE = 16, 256
"""So many messages are encoded (in some 0.15 to 2 ms) before others who wait for the interpreter get a chance."""
BEHIND = 50
"""Of so many messages that wait one more is encoded at once. An agent that never pauses gives the interpreter away
every 5 ms only; with few at once the packer would fall behind it, and runs would be dropped."""


class Packer:
    def __init__(
        self, *, backlog: Backlog, outbox: Outbox, tally: Tally, notices: Notices, max_age: float, batch_bytes: int
    ) -> None:
        self._backlog = backlog
        self._outbox = outbox
        self._tally = tally
        self._notices = notices
        self._max_age = max_age
        self._batch_bytes = batch_bytes
        self._dropped = 0

    def run(self) -> None:
        """Until the mark that closes."""
        while True:
            taken = self._backlog.take(self._max_age)
            for lines in self._parts(self._lines(taken.messages)):
                if not self._outbox.put(lines):
                    self._tally.add("lost", len(lines))
            self._tell_drops()
            if taken.mark is not None:
                self._outbox.mark(taken.mark)
                if taken.mark.closes:
                    return

    def _lines(self, messages: Sequence[Message]) -> list[bytes]:
        lines: list[bytes] = []
        start = 0
        while start < len(messages):
            end = start + min(AT_ONCE + len(self._backlog) // BEHIND, MOST_AT_ONCE)
            lines += self._encoded(messages[start:end])
            start = end
            time.sleep(0)
        return lines

    def _encoded(self, messages: Sequence[Message]) -> Iterator[bytes]:
        for message in messages:
            try:
                yield encode(message, self._notices)
            except Exception:  # noqa: BLE001 - whatever it is, it must not end the thread
                logger.exception("a run of %r cannot be recorded", message.key["agent"])
                self._tally.add("lost")

    def _parts(self, lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """Lines of one request each: no more bytes than it may have, unless a single line has more."""
        start, size = 0, 0
        for at, line in enumerate(lines):
            if size + len(line) > self._batch_bytes and at > start:
                yield lines[start:at]
                start, size = at, 0
            size += len(line)
        if lines:
            yield lines[start:]

    def _tell_drops(self) -> None:
        dropped = self._tally.of("dropped")
        if dropped > self._dropped:
            self._notices.tell("dropped", "%d runs were dropped: they come faster than they can be sent", dropped)
            self._dropped = dropped
