"""A server that wants keys, and a browser in front of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx2

from formicary.app import create_app
from formicary.auth import Authenticator, create_key
from formicary.auth.remembered import TTL
from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role

from .conftest import served

SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
AS_PAGE = {"accept": "text/html", **SAME_ORIGIN}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Site:
    browser: httpx2.AsyncClient
    clock: Clock

    async def log_in(self, key: str, *, next_: str = "/", **headers: str) -> httpx2.Response:
        return await self.post("/login", {"key": key, "next": next_}, **headers)

    async def page(self, path: str, **headers: str) -> httpx2.Response:
        return await self.browser.get(path, headers=AS_PAGE | headers)

    async def status(self, path: str = "/agents", **headers: str) -> int:
        return (await self.page(path, **headers)).status_code

    async def post(self, path: str, form: dict[str, object] | None = None, **headers: str) -> httpx2.Response:
        sent = SAME_ORIGIN | {"content-type": "application/x-www-form-urlencoded"} | headers
        return await self.browser.post(path, data=form or {}, headers=sent)

    def forget_what_is_known(self) -> None:
        self.clock.now += TTL


@asynccontextmanager
async def site(db: Database, settings: Settings, *, is_open: bool = False) -> AsyncIterator[Site]:
    clock = Clock()
    authenticator = Authenticator(db, is_open=is_open, clock=clock)
    app = create_app(settings, database=db, authenticator=authenticator)
    async with served(app) as url, httpx2.AsyncClient(base_url=url) as browser:
        yield Site(browser, clock)
    await authenticator.close()


async def key_of(db: Database, role: Role = Role.READ, *projects: str, name: str = "ops laptop") -> str:
    _, key = await create_key(db, role=role, projects=projects, name=name)
    return key
