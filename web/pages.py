"""What every page has in common: who is looking, and what is shown when that or the reading fails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from formicary.auth import Access, Principal
from formicary.db import Database
from formicary.errors import FormicaryError
from formicary.resolvers.scope import Scope

from .errors import failure

Authenticate: TypeAlias = Callable[[Request], Awaitable[Principal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request for a page by somebody who may read."""

    request: Request
    database: Database
    principal: Principal

    @property
    def scope(self) -> Scope:
        return self.principal.project_ids


Page: TypeAlias = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Makes routes of pages."""

    database: Database
    authenticate: Authenticate

    def route(self, path: str, page: Page) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                return await page(await self._visit(request))
            except FormicaryError as error:
                return failure(request, error)

        return Route(path, endpoint, methods=["GET"])

    async def _visit(self, request: Request) -> Visit:
        principal = await self.authenticate(request)
        principal.require(Access.READ, "The dashboard")
        return Visit(request=request, database=self.database, principal=principal)
