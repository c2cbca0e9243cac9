"""The live feed as a viewer has it, in Chromium."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlsplit

import httpx2
import pytest
from playwright.async_api import Browser, Page, expect

from formicary.config import Settings
from formicary.db import Database

from .conftest import served
from .test_agents_in_browser import SET_HIDDEN
from .test_feed import Server, record

pytestmark = pytest.mark.browser

STATUS = "[data-feed]"
ROWS = "#activities .activity strong"

Run = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@pytest.fixture
def run(db: Database, settings: Settings) -> Run:
    """Runs the server, on the same port as before if that is given."""

    @asynccontextmanager
    async def running(port: int = 0) -> AsyncIterator[httpx2.AsyncClient]:
        server = Server(db, settings)
        async with served(server, port) as url, httpx2.AsyncClient(base_url=url) as client:
            yield client
            server.stopping.set()

    return running


async def open_overview(chromium: Browser, client: httpx2.AsyncClient) -> Page:
    page = await (await chromium.new_context()).new_page()
    await page.goto(str(client.base_url))
    await expect(page.locator(STATUS)).to_have_text("Live")
    return page


async def test_runs_are_put_on_top_as_they_come(chromium: Browser, run: Run) -> None:
    async with run() as client:
        await record(client, "first", status="SUCCEEDED")
        page = await open_overview(chromium, client)
        await record(client, "second", status="RUNNING")
        await expect(page.locator(ROWS)).to_have_text(["second", "first"])
        await record(client, "second", status="SUCCEEDED")
        await expect(page.locator(".activity").first).to_contain_text("completed")
        await expect(page.locator(ROWS)).to_have_count(2)


async def test_twenty_rows_stay(chromium: Browser, run: Run) -> None:
    async with run() as client:
        await record(client, *(f"old {i}" for i in range(20)), status="SUCCEEDED")
        page = await open_overview(chromium, client)
        await record(client, "new", status="RUNNING")
        await expect(page.locator(ROWS).first).to_have_text("new")
        await expect(page.locator(ROWS)).to_have_count(20)


async def test_feed_comes_back_after_the_server_was_restarted(chromium: Browser, run: Run) -> None:
    async with run() as client:
        await record(client, "before", status="SUCCEEDED")
        page = await open_overview(chromium, client)
        port = urlsplit(str(client.base_url)).port
    await expect(page.locator(STATUS)).to_have_text("Reconnecting…")
    async with run(port) as client:
        await record(client, "meanwhile", status="SUCCEEDED")
        await expect(page.locator(STATUS)).to_have_text("Live", timeout=20_000)
        await expect(page.locator(ROWS)).to_have_text(["meanwhile", "before"])


async def test_hidden_page_listens_to_nothing_and_catches_up(chromium: Browser, run: Run) -> None:
    async with run() as client:
        await record(client, "before", status="SUCCEEDED")
        page = await open_overview(chromium, client)
        await page.evaluate(SET_HIDDEN, True)
        await expect(page.locator(STATUS)).to_have_text("Paused")
        asking = [task for task in asyncio.all_tasks() if "_keep_asking" in repr(task)]
        if asking:
            assert not (await asyncio.wait(asking, timeout=10))[1]
        await record(client, "meanwhile", status="SUCCEEDED")
        await expect(page.locator(ROWS)).to_have_text(["before"])
        await page.evaluate(SET_HIDDEN, False)
        await expect(page.locator(STATUS)).to_have_text("Live")
        await expect(page.locator(ROWS)).to_have_text(["meanwhile", "before"])


async def test_poll_does_not_take_away_what_the_feed_brought(chromium: Browser, run: Run) -> None:
    async with run() as client:
        await record(client, "before", status="SUCCEEDED")
        page = await (await chromium.new_context()).new_page()
        await page.clock.install()
        await page.goto(str(client.base_url))
        await expect(page.locator(STATUS)).to_have_text("Live")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(urlsplit(request.url).path))
        async with page.expect_response("**/fragments/figures*"):
            await page.clock.run_for(31_000)
        assert "/fragments/activity" not in asked
        await expect(page.locator(STATUS)).to_have_text("Live")


async def test_without_a_script_there_is_the_list(chromium: Browser, run: Run) -> None:
    async with run() as client:
        await record(client, "before", status="SUCCEEDED")
        page = await (await chromium.new_context(java_script_enabled=False)).new_page()
        await page.goto(str(client.base_url))
        await expect(page.locator(ROWS)).to_have_text(["before"])
        await expect(page.locator(STATUS)).to_be_hidden()
