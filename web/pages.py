"""From a request to a page: who asks, what is shown, and what is shown when that fails."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeAlias

from starlette.convertors import register_url_convertor
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from formicary.auth import Access, Authenticator, check_form
from formicary.config import Settings
from formicary.db import Database
from formicary.errors import FormicaryError, UnauthenticatedError
from formicary.resolvers.loaders import Loaders

from . import rendering
from .download import Downloads, none
from .errors import failure
from .frame import frame
from .login import refuse
from .panels import Panel, Panels, in_page
from .place import FRAGMENTS, Place
from .row_id import RowId
from .visit import Visit

register_url_convertor("int", RowId())

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Answer: TypeAlias = Callable[[Visit], Awaitable[Response]]
Read: TypeAlias = "Callable[[Visit], Awaitable[DataclassInstance]]"

COMPRESSED = Middleware(GZipMiddleware, compresslevel=6)


@dataclass(frozen=True, slots=True)
class NoContext:
    """Of a page that consists of its panels."""


async def nothing(_: Visit) -> NoContext:
    return NoContext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`title` is that of the tab, unless a panel knows a better one. `read` gives what the page shows by itself.

    `later` are panels that the browser asks for by itself, since they take too long to wait for. `has_period` and
    `has_project` say whether these can be chosen.
    """

    path: str
    template: str
    title: str
    nav: str
    panels: tuple[Panel, ...] = ()
    later: tuple[Panel, ...] = ()
    read: Read = nothing
    has_period: bool = True
    has_project: bool = True
    downloads: Downloads = none


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Makes routes of pages."""

    database: Database
    settings: Settings
    authenticator: Authenticator
    panels: Panels

    def routes(self, page: Page) -> list[Route]:
        """Of a page and of each of its panels."""

        async def answer(visit: Visit) -> Response:
            return await self.show(page, visit)

        return [self.route(page.path, answer), *(self._panel_route(page, panel) for panel in page.panels + page.later)]

    def route(
        self,
        path: str,
        answer: Answer,
        *,
        method: str = "GET",
        access: Access = Access.READ,
        middleware: Sequence[Middleware] = (COMPRESSED,),
    ) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                return await answer(await self._visit(request, access))
            except UnauthenticatedError as error:
                return refuse(request, error)
            except FormicaryError as error:
                return failure(request, error)

        return Route(path, endpoint, methods=[method], middleware=middleware)

    def _panel_route(self, page: Page, panel: Panel) -> Route:
        async def answer(visit: Visit) -> Response:
            return await self.panels.answer(panel, visit)

        return self.route(f"{FRAGMENTS}{page.path.rstrip('/')}/{panel.name}", answer)

    async def show(self, page: Page, visit: Visit) -> Response:
        downloads = page.downloads(visit)
        context, around, parts = await asyncio.gather(
            page.read(visit),
            frame(
                visit,
                nav=page.nav,
                has_period=page.has_period,
                has_project=page.has_project,
                downloads=downloads,
            ),
            asyncio.gather(*(in_page(self.panels, panel, visit) for panel in page.panels)),
        )
        title = next((part.title for part in parts if part.title), page.title)
        html = {panel.name: part.html for panel, part in zip(page.panels, parts, strict=True)}
        return rendering.page(page.template, context, visit, frame=around, title=title, heading=page.title, panels=html)

    async def _visit(self, request: Request, access: Access) -> Visit:
        headers = dict(request.headers.raw)
        if request.method == "POST":
            check_form(headers)
        principal = await self.authenticator.of_request(headers, from_any_page=True)
        principal.require(access, "The dashboard")
        return Visit(
            request=request,
            database=self.database,
            settings=self.settings,
            principal=principal,
            place=Place.of(request.url.path, request.query_params),
            now=datetime.now(UTC),
            registry=Loaders(self.database, principal.project_ids),
        )
