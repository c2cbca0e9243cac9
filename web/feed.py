"""The live feed: rows of the last runs, sent as they come and change (server-sent events), beside the polling.

However many listen, the database is asked once every two seconds for each scope and address, and not at all while
nobody does: it gives the last runs in the order of an index, and what is not as it was is sent. So much comes in at
times that nobody could read it; then some are never sent, as they would have been pushed off the list at once.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from formicary.auth import Authenticator
from formicary.errors import ForbiddenError, FormicaryError, OverloadedError, UnauthenticatedError
from formicary.resolvers import activities
from formicary.resolvers.loaders import Loaders
from formicary.resolvers.runs import Run

from . import rendering
from .feed_event import BEAT, END, ROW, event
from .formats import iso
from .overview_activity import SHOWN, named
from .pages import Pages
from .visit import Visit

log = logging.getLogger(__name__)

Queue: TypeAlias = "asyncio.Queue[bytes | None]"
"""The events for one listener; None cuts it off."""

PATH = "/feed"
MOST_LISTENERS = 200
MOST_WAITING = 3 * SHOWN
"""Events that a listener may have left unread; over that it is cut off, and begins anew when it comes back."""

MEDIA_TYPE = "text/event-stream"
HEADERS = {**rendering.SECURITY_HEADERS, "x-accel-buffering": "no"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds: between two questions to the database, two beats, and two looks at whether a listener may stay."""

    ask: float = 2.0
    beat: float = 10.0
    look: float = 1.0


PACE = Pace()


@dataclass(eq=False, slots=True)
class Channel:
    """Those who are sent the same, and the runs as they were sent last, the oldest first."""

    visit: Visit
    listeners: set[Queue] = field(default_factory=set)
    runs: dict[tuple[int, int], Run] = field(default_factory=dict)
    rows: dict[tuple[int, int], bytes] = field(default_factory=dict)
    asking: "asyncio.Task[None] | None" = None

    async def ask(self) -> None:
        """Read the last runs and send those that are new or not as they were."""
        visit = self.visit
        found = await activities.recent(visit.database, visit.scope, SHOWN, visit.where)
        changed = [each for each in reversed(found) if self.runs.get(_key(each.run)) != each.run]
        shown = await named(changed, Loaders(visit.database, visit.scope)) if changed else []
        now = datetime.now(UTC)
        rows = {_key(each.activity.run): _row(each, visit, now) for each in shown}
        self.runs = {_key(each.run): each.run for each in reversed(found)}
        self.rows = {key: rows.get(key) or self.rows[key] for key in self.runs}
        for row in rows.values():
            self._send(row)

    def _send(self, row: bytes) -> None:
        for queue in list(self.listeners):
            if queue.qsize() < MOST_WAITING:
                queue.put_nowait(row)
            else:
                queue.put_nowait(None)
                self.listeners.discard(queue)


class Feed:
    """Of one server process. It ends when `stopping` is set, which a server waits for before it stops."""

    def __init__(self, authenticator: Authenticator, *, stopping: asyncio.Event, pace: Pace) -> None:
        self._authenticator = authenticator
        self._stopping = stopping
        self._pace = pace
        self._channels: dict[tuple[object, ...], Channel] = {}

    async def answer(self, visit: Visit) -> Response:
        """Raises OverloadedError where too many listen already."""
        if visit.request.method == "HEAD":
            return Response(headers=HEADERS, media_type=MEDIA_TYPE)
        if sum(len(channel.listeners) for channel in self._channels.values()) >= MOST_LISTENERS:
            raise OverloadedError("Too many pages listen already; this one asks every 30 seconds instead.")
        return StreamingResponse(self._events(visit), headers=HEADERS, media_type=MEDIA_TYPE)

    async def _events(self, visit: Visit) -> AsyncIterator[bytes]:
        """First what is there, then what comes, and a beat now and then, which says that all is still shown."""
        loop = asyncio.get_running_loop()
        with self._listening(visit) as (channel, queue):
            yield event(BEAT, iso(datetime.now(UTC)))
            for row in list(channel.rows.values()):
                yield row
            next_beat = loop.time() + self._pace.beat
            while not self._stopping.is_set():
                new = await _next(queue, self._pace.look)
                if new is None:
                    return
                if new:
                    yield new
                if loop.time() < next_beat:
                    continue
                if not await self._may_stay(visit):
                    yield event(END, "")
                    return
                yield event(BEAT, iso(datetime.now(UTC)))
                next_beat = loop.time() + self._pace.beat

    async def _may_stay(self, visit: Visit) -> bool:
        """Whether the key or the login with which a listener came is still valid."""
        try:
            await self._authenticator.of_request(dict(visit.request.headers.raw), from_any_page=True)
        except (UnauthenticatedError, ForbiddenError):
            return False
        except FormicaryError as error:
            log.debug("whether a listener may stay is not known: %s", error)
        return True

    @contextmanager
    def _listening(self, visit: Visit) -> Iterator[tuple[Channel, Queue]]:
        key = visit.scope, visit.request.url.query
        channel = self._channels.setdefault(key, Channel(visit))
        queue: Queue = asyncio.Queue()
        channel.listeners.add(queue)
        if channel.asking is None:
            channel.asking = asyncio.create_task(self._keep_asking(channel))
        try:
            yield channel, queue
        finally:
            channel.listeners.discard(queue)
            if not channel.listeners and self._channels.get(key) is channel:  # of several cut off, the first ends it
                channel.asking.cancel()
                del self._channels[key]

    async def _keep_asking(self, channel: Channel) -> None:
        while True:
            try:
                await channel.ask()
            except FormicaryError as error:
                log.debug("the feed was not read: %s", error)
            except Exception:
                log.exception("the feed was not read")
            await asyncio.sleep(self._pace.ask)


def routes(pages: Pages, *, stopping: asyncio.Event, pace: Pace) -> list[Route]:
    feed = Feed(pages.authenticator, stopping=stopping, pace=pace)
    return [pages.route(PATH, feed.answer)]


async def _next(queue: Queue, seconds: float) -> bytes | None:
    """Nothing at all where nothing comes in time."""
    try:
        async with asyncio.timeout(seconds):
            return await queue.get()
    except TimeoutError:
        return b""


def _key(run: Run) -> tuple[int, int]:
    return run.agent_id, run.id


def _row(shown: object, visit: Visit, now: datetime) -> bytes:
    return event(ROW, rendering.macro("activity_row.html", "activity_row", shown, visit.place, now))
