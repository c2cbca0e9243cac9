"""How much a visit to the whole server sends."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, Request

from formicary.app import create_app
from formicary.auth import Authenticator
from formicary.config import Settings
from formicary.db import Database

from .conftest import served
from .rows import insert_failing_agent

pytestmark = pytest.mark.browser


@pytest.fixture
async def server(db: Database, settings: Settings) -> AsyncIterator[str]:
    async with served(create_app(settings, database=db, authenticator=Authenticator(db, is_open=True))) as url:
        yield url


async def bytes_of_visit(page: Page, url: str) -> int:
    """What is received, headers included, until nothing is under way any more."""
    requests: list[Request] = []
    page.on("requestfinished", lambda request: requests.append(request))
    await page.goto(url, wait_until="networkidle")
    sizes = [await request.sizes() for request in requests]
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)


async def test_first_visit_takes_at_most_150_kb_and_later_ones_25(db: Database, chromium: Browser, server: str) -> None:
    await insert_failing_agent(db)
    page = await (await chromium.new_context()).new_page()
    assert await bytes_of_visit(page, f"{server}/") < 150_000
    again = await page.context.new_page()
    assert await bytes_of_visit(again, f"{server}/?range=7d") < 25_000
