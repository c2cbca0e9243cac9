"""From batches to the server: each of the senders is a thread in the background, with a connection of its own.

The first one takes all there is. A spare one helps while there are full batches, so that the server has work while
it answers, and while PostgreSQL writes.

A batch is sent until the server has it. One that is refused for what may be the fault of single runs is halved until
these are found; what is refused for good is counted and, where there is a spool, kept aside.
"""

import random
import time
from collections.abc import Callable, Sequence
from itertools import count
from threading import Event

from .answers import Later, Recorded, Refused
from .backlog import Mark
from .counts import Tally
from .endpoint import Endpoint
from .notices import Notices, logger
from .outbox import Batch, Outbox

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
"""Seconds; the pause doubles with each attempt, and its length is drawn at random from nothing up to that."""
MOST_FAILURES, MOST_FAILURES_OF_PART = 10, 3
"""So often a server that is there may break over one batch, which takes about a minute, before the batch is halved,
and then over each part."""
MOST_PARTS = 100
"""So many requests may go to finding the faulty runs of a batch; it takes some 20 for one of a thousand."""
LOOK_AROUND = 30.0
"""Seconds without work after which the spool is searched for what other processes have left."""

Keep = Callable[[Sequence[bytes]], None]
"""Puts aside what the server will never take. Raises OSError."""


class StoppedError(Exception):
    """There is no more time for the batch."""


class Sender:
    def __init__(
        self,
        *,
        endpoint: Endpoint,
        outbox: Outbox,
        tally: Tally,
        notices: Notices,
        keep: Keep | None = None,
        is_spare: bool = False,
    ) -> None:
        self._endpoint = endpoint
        self._outbox = outbox
        self._tally = tally
        self._notices = notices
        self._keep = keep
        self._is_spare = is_spare
        self._hurry = Event()
        self._stop = Event()

    def run(self) -> None:
        """Until `stop`."""
        if not self._is_spare:
            self._outbox.adopt()
        while not self._stop.is_set():
            item = self._next()
            if isinstance(item, Mark):
                item.arrived.set()
            elif item is not None:
                self._deliver(item)
        self._endpoint.close()

    def hurry(self) -> None:
        """Try again now rather than later, unless the server has said when."""
        self._hurry.set()

    def stop(self) -> None:
        """End after the request that is under way, if there is one; the outbox is to be closed then."""
        self._stop.set()
        self._hurry.set()

    def _next(self) -> Batch | Mark | None:
        """What there is to do, as soon as there is something. Who finds nothing for long looks around."""
        if self._is_spare:
            return self._outbox.take_besides()
        item = self._outbox.take(LOOK_AROUND if self._keep else None)
        if item is None and not self._stop.is_set():
            self._outbox.adopt()
        return item

    def _deliver(self, batch: Batch) -> None:
        try:
            self._send(batch.read())
        except StoppedError:
            return
        except FileNotFoundError:
            logger.info("a segment of the spool was taken by another process")
        except Exception:  # noqa: BLE001 - whatever it is, it must not end the thread
            logger.exception("%d runs cannot be sent", len(batch))
            self._tally.add("lost", len(batch))
        self._outbox.settle(batch)

    def _send(self, lines: Sequence[bytes]) -> None:
        parts = [lines]
        for number in count(1):
            if not parts:
                return
            part = parts.pop()
            answer = self._answer(part, MOST_FAILURES if number == 1 else MOST_FAILURES_OF_PART)
            if isinstance(answer, Recorded):
                self._note(part, answer)
            elif answer.parts_may_pass and len(part) > 1 and number < MOST_PARTS:
                parts += [part[len(part) // 2 :], part[: len(part) // 2]]
            else:
                self._give_up(part, answer)

    def _answer(self, lines: Sequence[bytes], most_failures: int) -> Recorded | Refused:
        """The last word of the server on these lines. Raises StoppedError."""
        since = time.monotonic()
        failures = 0
        for attempt in count():
            answer = self._endpoint.record(lines)
            if not isinstance(answer, Later):
                if attempt:
                    self._notices.settle("away", "the server is back after %.0f s", time.monotonic() - since)
                return answer
            failures += not answer.is_away
            if failures == most_failures:
                return Refused(answer.reason, parts_may_pass=True)
            self._pause(attempt, answer)
        raise AssertionError

    def _pause(self, attempt: int, answer: Later) -> None:
        """First for as long as the server asks for, then for longer after each attempt. Raises StoppedError."""
        dropped = self._tally.of("dropped")
        self._notices.tell("away", "runs wait, since they cannot be sent (%d dropped): %s", dropped, answer.reason)
        self._stop.wait(answer.after)
        if not self._stop.is_set():
            longest = min(FIRST_PAUSE * 2 ** min(attempt, 20), LONGEST_PAUSE)
            self._hurry.wait(random.uniform(0, longest))  # noqa: S311 - nobody gains by guessing it
        if self._stop.is_set():
            raise StoppedError
        self._hurry.clear()

    def _note(self, lines: Sequence[bytes], answer: Recorded) -> None:
        self._tally.add("delivered", len(lines) - len(answer.rejected))
        if answer.rejected:
            self._tally.add("rejected", len(answer.rejected))
            self._put_aside([lines[index] for index in answer.rejected])
            reason = next(iter(answer.rejected.values()))
            self._notices.tell("rejected", "%d runs were rejected, one since %s", len(answer.rejected), reason)

    def _give_up(self, lines: Sequence[bytes], answer: Refused) -> None:
        self._tally.add("lost", len(lines))
        self._put_aside(lines)
        self._notices.tell("refused", "%d runs are refused: %s", len(lines), answer.reason)

    def _put_aside(self, lines: Sequence[bytes]) -> None:
        if self._keep is None:
            return
        try:
            self._keep(lines)
        except OSError as error:
            self._notices.tell("spool", "the spool cannot be written: %s", error)
