"""Panels: the parts of a page that have an address of their own and refresh by themselves.

What polls ask for is rendered once within `POLLED_FOR` seconds for all who may see the same, however many they are,
and is not sent again while it is the same. Whoever opens a page gets it anew, unless it `lasts` for some seconds;
whoever presses Refresh always does.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from formicary.errors import FormicaryError

from . import rendering
from .errors import problem_of
from .formats import iso
from .visit import Visit

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

POLLED_FOR = 25.0
"""Seconds; a little less than the 30 in which a page polls, so that no viewer gets the same panel twice."""

MOST_KEPT = 500

TAKEN_AT = "formicary-taken-at"
"""The header that says when an answer was true; of one that is the same as before, too."""

_PASSING = re.compile(r'(?<=data-ago>)[^<]*|(?<=data-taken-at=")[^"]*')
"""How long ago something was, and when a panel within the panel was made."""

Read: TypeAlias = "Callable[[Visit], Awaitable[DataclassInstance]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`name` is the last part of its address. `title`, of one that decides on the page's, is that for a context.

    `polls` is whether it refreshes by itself, rather than only when somebody asks for that. `lasts` is for how many
    seconds it is good enough for those who open its page: of one that takes long and is not about the last seconds.
    """

    name: str
    template: str
    read: Read
    title: "Callable[[Any], str] | None" = None
    polls: bool = True
    lasts: float = 0.0

    @property
    def element_id(self) -> str:
        return f"panel-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A panel as it was at a moment. `etag` is of what it says, not of how long ago that was."""

    html: str
    title: str | None
    etag: str
    taken_at: datetime


@dataclass(slots=True)
class Panels:
    """Those of one server process that were asked for last; `polled_for` is in seconds."""

    polled_for: float = POLLED_FOR
    _kept: "OrderedDict[tuple[object, ...], tuple[float, asyncio.Task[Rendered]]]" = field(default_factory=OrderedDict)

    async def polled(self, panel: Panel, visit: Visit) -> Rendered:
        """As it is, or was at most `polled_for` seconds ago for anybody who may see the same."""
        return await self._of_the_last(self.polled_for, panel, visit)

    async def opened(self, panel: Panel, visit: Visit) -> Rendered:
        """As part of a page: as it is, or was while it `lasts`."""
        return await self._of_the_last(min(panel.lasts, self.polled_for), panel, visit)

    async def _of_the_last(self, seconds: float, panel: Panel, visit: Visit) -> Rendered:
        known = self._kept.get(_key(panel, visit))
        if known and time.monotonic() < known[0] + seconds:
            return await asyncio.shield(known[1])
        return await self.fresh(panel, visit)

    async def fresh(self, panel: Panel, visit: Visit) -> Rendered:
        key, task = _key(panel, visit), asyncio.create_task(render(panel, visit))
        self._kept[key] = time.monotonic(), task
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        task.add_done_callback(partial(self._forget_failed, key))
        return await asyncio.shield(task)

    def _forget_failed(self, key: tuple[object, ...], task: asyncio.Task[Rendered]) -> None:
        """What failed is tried again by the next, also where whoever asked for it has left."""
        failed = task.cancelled() or task.exception() is not None
        if failed and key in self._kept and self._kept[key][1] is task:
            del self._kept[key]

    async def answer(self, panel: Panel, visit: Visit) -> Response:
        """To a request for a panel alone: 304 if the browser has it already."""
        wants_fresh = visit.request.headers.get("cache-control") == "no-cache"
        rendered = await (self.fresh if wants_fresh else self.polled)(panel, visit)
        headers = {"etag": f'"{rendered.etag}"', TAKEN_AT: iso(rendered.taken_at)}
        if _has(visit.request, rendered):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=rendering.SECURITY_HEADERS | headers)
        title = "" if rendered.title is None else rendering.title(rendered.title)
        return rendering.response(title + rendered.html, headers=headers)


async def render(panel: Panel, visit: Visit) -> Rendered:
    context = await panel.read(visit)
    title = panel.title(context) if panel.title else None
    body = rendering.part(panel.template, context, visit)
    lasting = _PASSING.sub("", body)
    etag = sha256(f"{title}{lasting}".encode()).hexdigest()[:16]
    html = rendering.slot(panel, visit, body=body, etag=etag)
    return Rendered(html=html, title=title, etag=etag, taken_at=visit.now)


async def in_page(panels: Panels, panel: Panel, visit: Visit) -> Rendered:
    """A panel as part of a page that is opened; its problem in its place where it cannot be read."""
    try:
        return await panels.opened(panel, visit)
    except FormicaryError as error:
        html = rendering.slot(panel, visit, problem=problem_of(error))
        return Rendered(html=html, title=None, etag="", taken_at=visit.now)


def _key(panel: Panel, visit: Visit) -> tuple[object, ...]:
    """All that a panel may depend on; commands to be copied name the server as it was reached, and whether by a key."""
    principal, request = visit.principal, visit.request
    who = principal.role, principal.project_ids, principal.key_id is None
    return panel.name, visit.place.path, request.url.query, str(request.base_url), *who


def _has(request: Request, rendered: Rendered) -> bool:
    return request.headers.get("if-none-match", "").strip('W/"') == rendered.etag
