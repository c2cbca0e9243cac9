"""Panels that are kept for a while: for whom they are, and what happens to one that fails."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from starlette.datastructures import QueryParams
from starlette.requests import Request

from formicary.auth import Principal
from formicary.config import Settings
from formicary.db import Database
from formicary.errors import UnavailableError
from formicary.models import Role
from formicary.resolvers.loaders import Loaders
from formicary_web.pages import NoContext
from formicary_web.panels import Panel, Panels
from formicary_web.place import Place
from formicary_web.visit import Visit

from .logging_in import key_of, site

FIGURES = "/fragments/figures"


async def test_nobody_is_told_the_address_by_which_another_came(db: Database, settings: Settings) -> None:
    async with site(db, settings) as served:
        authorization = f"Bearer {await key_of(db)}"
        for host in ("one.example", "two.example"):
            panel = await served.page(FIGURES, host=host, authorization=authorization)
            assert f"http://{host}/graphql" in panel.text


async def test_whoever_needs_no_key_is_not_told_to_send_one(db: Database, settings: Settings) -> None:
    async with site(db, settings, is_open=True) as served:
        with_key = await served.page(FIGURES, authorization=f"Bearer {await key_of(db, Role.ADMIN)}")
        without = await served.page(FIGURES)
    assert ["FORMICARY_KEY" in panel.text for panel in (with_key, without)] == [True, False]


@dataclass
class Source:
    """Fails until it is told not to."""

    release: asyncio.Event
    fails: bool = True

    async def read(self, _: Visit) -> NoContext:
        await self.release.wait()
        if self.fails:
            raise UnavailableError
        return NoContext()


def visit(db: Database) -> Visit:
    address = {"path": "/", "query_string": b"", "headers": [(b"host", b"localhost")]}
    return Visit(
        request=Request({"type": "http", "method": "GET", "scheme": "http", **address}),
        database=db,
        settings=Settings(),
        principal=Principal.open(),
        place=Place.of("/", QueryParams()),
        now=datetime.now(UTC),
        registry=Loaders(db, None),
    )


async def test_failure_is_not_kept_where_nobody_waits_for_it(db: Database) -> None:
    source, panels = Source(asyncio.Event()), Panels()
    panel = Panel(name="any", template="shortcuts.html", read=source.read)
    leaving = asyncio.create_task(panels.polled(panel, visit(db)))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    staying = asyncio.create_task(panels.polled(panel, visit(db)))
    await asyncio.sleep(0)
    source.release.set()
    with pytest.raises(UnavailableError):
        await staying
    source.fails = False
    assert (await panels.polled(panel, visit(db))).html


@dataclass
class Counted:
    """How often it was read."""

    times: int = 0

    async def read(self, _: Visit) -> NoContext:
        self.times += 1
        return NoContext()


@pytest.mark.parametrize(("lasts", "read"), [(0, 2), (600, 1)])
async def test_only_a_panel_that_lasts_is_not_read_anew_for_each_who_opens_its_page(
    db: Database, lasts: float, read: int
) -> None:
    source, panels = Counted(), Panels()
    panel = Panel(name="any", template="shortcuts.html", read=source.read, lasts=lasts)
    for _ in range(2):
        await panels.opened(panel, visit(db))
    assert source.times == read
    await panels.fresh(panel, visit(db))
    assert source.times == read + 1
