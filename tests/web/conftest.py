"""The dashboard served for real on a free port, and Chromium in front of it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from formicary.auth import Authenticator
from formicary.config import Settings
from formicary.db import Database
from formicary_web.errors import error_response
from formicary_web.routes import routes

from .demo import served_demo

CHROMIUM = "/usr/bin/chromium"
OpenPage = Callable[..., Awaitable[Page]]


def dashboard(db: Database, *, is_open: bool = True) -> Starlette:
    authenticator = Authenticator(db, is_open=is_open)

    async def not_found(request: HttpRequest, _: Exception) -> Response:
        return error_response(request, 404)

    async def unexpected(request: HttpRequest, _: Exception) -> Response:
        return error_response(request, 500, error_id="e1")

    return Starlette(
        routes=routes(
            database=db,
            settings=Settings(),
            polled_for=0,
            authenticator=authenticator,
            stopping=asyncio.Event(),
        ),
        exception_handlers={404: not_found, Exception: unexpected},
    )


class Server(uvicorn.Server):
    """Says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@asynccontextmanager
async def served(app: Any, port: int = 0) -> AsyncIterator[str]:
    """The address of an application that answers; 0 is any free port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        server = Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.listens.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@pytest.fixture
async def address(db: Database) -> AsyncIterator[str]:
    async with served(dashboard(db)) as url:
        yield url


@pytest.fixture(scope="session")
def demo() -> Iterator[str]:
    """The address of a server with the sample data, for tests that only look at it."""
    with served_demo() as url:
        yield url


class Faults:
    """What no page may cause: errors on the console (violations of its policy too), scripts' errors, foreign hosts."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def watch(self, page: Page, address: str) -> None:
        def console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self.seen.append(message.text)

        def request(sent: Request) -> None:
            if not sent.url.startswith(address):
                self.seen.append(f"request to {sent.url}")

        page.on("console", console)
        page.on("request", request)
        page.on("pageerror", lambda error: self.seen.append(str(error)))


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()


@pytest.fixture
async def open_page(chromium: Browser, address: str, faults: Faults) -> AsyncIterator[OpenPage]:
    """Opens a path in a window of its own; keywords are the window's. Fails the test on any fault that is left."""

    async def open_(path: str = "/", **window: Any) -> Page:
        context = await chromium.new_context(reduced_motion="reduce", **window)
        page = await context.new_page()
        faults.watch(page, address)
        await page.clock.install()
        await page.goto(address + path)
        return page

    yield open_
    assert faults.seen == []
