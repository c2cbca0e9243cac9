"""The dashboard at millions of runs: what its pages cost the server and the network, and how soon they are seen."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
from playwright.async_api import Browser, Request, async_playwright

from formicary.embedded import EmbeddedPostgres
from formicary_web import overview
from formicary_web.place import FRAGMENTS

from ..web.demo import paths
from . import processes
from .figures import Measure, Report, Table, percentile
from .loaded import loaded
from .server import Server, scratch, serve

RUNS = 5_000_000
QUICK_RUNS = 200_000
TIMES = 60
ROUNDS = 5
"""The figures of a page are those of its calmest round: another guest of the host slows all that runs meanwhile."""
WARM_UP = 5

DASHBOARDS = 100
POLLED_EVERY = 30.0
WATCHED_FOR = 60.0

FIRST_VISITS = 5
CHROMIUM = "/usr/bin/chromium"
LIGHTHOUSE = "lighthouse@13.5.0"
LIGHTHOUSE_TRIES = 3
"""It loses Chromium's trace now and then (NO_NAVSTART), and asks to be run again."""
CATEGORIES = ("performance", "accessibility", "best-practices")

LARGEST_PAINT = """() => new Promise(resolve => new PerformanceObserver(
    list => resolve(list.getEntries().at(-1).startTime)
).observe({type: 'largest-contentful-paint', buffered: true}))"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A page as one client has it again and again: milliseconds, and bytes of the compressed HTML.

    `p50` and `p95` are of the calmest round, `p95_of_all` of all rounds together.
    """

    path: str
    p50: float
    p95: float
    p95_of_all: float
    size: int


def measure(*, quick: bool) -> Report:
    report, number = Report("dashboard"), QUICK_RUNS if quick else RUNS
    with scratch() as directory:
        with EmbeddedPostgres(directory / "data", fsync=False) as postgres:
            asyncio.run(_load(postgres.dsn, number))
        with serve(directory / "data", "--no-worker") as server:
            _measure(server, report, number, 10.0 if quick else WATCHED_FOR)
    return report


async def _load(dsn: str, number: int) -> None:
    async with loaded(dsn, number, datetime.now(UTC)):
        pass


def _measure(server: Server, report: Report, number: int, watched_for: float) -> None:
    url = f"http://127.0.0.1:{server.port}"
    every_path = paths(url)
    visits = [_visit(url, path) for path in [*every_path, "/?range=7d", "/?range=30d"]]
    report.tables.append(_pages(visits, number))
    overview_visit, cards = visits[0], next(visit for visit in visits if visit.path == "/agents")
    painted, first, later = asyncio.run(_seen(url))
    busy = asyncio.run(_watched(url, server, watched_for))
    report.tables.append(_lighthouse(url, every_path))
    report.measures += [
        Measure("overview, p95 of the calmest round", overview_visit.p95, "ms", at_most=40),
        Measure("overview, p95 of all rounds", overview_visit.p95_of_all, "ms"),
        Measure("50 agent cards with sparklines, p95 of the calmest round", cards.p95, "ms", at_most=60),
        Measure("first visit, all that is received", first / 1000, "kB", at_most=150),
        Measure("later page, all that is received", later / 1000, "kB", at_most=25),
        Measure("largest contentful paint of the first visit", painted, "ms", at_most=500),
        Measure(f"{DASHBOARDS} open dashboards, the server's part of a core", busy, "", at_most=0.4),
    ]


def _visit(url: str, path: str) -> Visit:
    size = 0

    def get() -> float:
        nonlocal size
        begun = time.perf_counter()
        response = client.get(path)
        took = 1000 * (time.perf_counter() - begun)
        assert response.status_code == 200, (path, response.text[:500])
        size = response.num_bytes_downloaded
        return took

    with httpx2.Client(base_url=url, headers={"accept-encoding": "gzip"}, timeout=60) as client:
        for _ in range(WARM_UP):
            get()
        rounds = [[get() for _ in range(TIMES)] for _ in range(ROUNDS)]
    calmest = min(rounds, key=lambda took: percentile(took, 0.95))
    p95_of_all = percentile([took for round_ in rounds for took in round_], 0.95)
    return Visit(path, percentile(calmest, 0.5), percentile(calmest, 0.95), p95_of_all, size)


def _pages(visits: Sequence[Visit], number: int) -> Table:
    columns = ["page", "p50 ms", "p95 ms", "p95 of all rounds", "HTML kB"]
    table = Table(f"Pages at {number:,} runs, by one client: the calmest of {ROUNDS} rounds", columns)
    table.rows += [[visit.path, visit.p50, visit.p95, visit.p95_of_all, visit.size / 1000] for visit in visits]
    return table


# ---- in Chromium


async def _seen(url: str) -> tuple[float, int, int]:
    """Milliseconds to the largest contentful paint of a first visit, and the bytes of that and of a later page.

    The paint is the median of several first visits, which differ by a factor of two; the bytes are always the same.
    """
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        visits = [await _two_visits(browser, url) for _ in range(FIRST_VISITS)]
        await browser.close()
    _, first, later = visits[-1]
    return median(painted for painted, _, _ in visits), first, later


async def _two_visits(browser: Browser, url: str) -> tuple[float, int, int]:
    context = await browser.new_context()
    page = await context.new_page()
    requests: list[Request] = []
    page.on("requestfinished", lambda request: requests.append(request))
    await page.goto(url, wait_until="load")
    painted: float = await page.evaluate(LARGEST_PAINT)
    first = await _received(requests)
    requests.clear()
    await page.goto(f"{url}/?range=7d", wait_until="load")
    later = await _received(requests)
    await context.close()
    return painted, first, later


async def _received(requests: Sequence[Request]) -> int:
    sizes = [await request.sizes() for request in requests]
    return sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)


# ---- many that poll


@dataclass(slots=True)
class Dashboard:
    """What a browser with the overview open asks for: each panel every 30 s, unless it has it already."""

    client: httpx2.AsyncClient
    etags: dict[str, str] = field(default_factory=dict)

    async def watch(self, delay: float, until: float) -> None:
        await asyncio.sleep(delay)
        while time.perf_counter() < until:
            begun = time.perf_counter()
            await asyncio.gather(*(self.poll(f"{FRAGMENTS}/{panel.name}") for panel in overview.PAGE.panels))
            await asyncio.sleep(max(0.0, POLLED_EVERY - (time.perf_counter() - begun)))

    async def poll(self, path: str) -> None:
        response = await self.client.get(
            path, headers={"if-none-match": self.etags.get(path, ""), "hx-request": "true"}
        )
        assert response.status_code in {200, 304}, response.text[:500]
        self.etags[path] = response.headers["etag"]


async def _watched(url: str, server: Server, seconds: float) -> float:
    """The CPU seconds of the server's process in a second, while many have the overview open."""
    limits = httpx2.Limits(max_connections=DASHBOARDS, max_keepalive_connections=DASHBOARDS)
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=30) as client:
        dashboards = [Dashboard(client) for _ in range(DASHBOARDS)]
        begun, busy = time.perf_counter(), processes.cpu_seconds(server.pid)
        await asyncio.gather(
            *(each.watch(POLLED_EVERY * i / DASHBOARDS, begun + seconds) for i, each in enumerate(dashboards))
        )
        return (processes.cpu_seconds(server.pid) - busy) / (time.perf_counter() - begun)


# ---- Lighthouse


def _lighthouse(url: str, every_path: Sequence[str]) -> Table:
    table = Table("Lighthouse, desktop, of 100", ["page", *CATEGORIES])
    with scratch() as directory:
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", LIGHTHOUSE]
        subprocess.run(command, cwd=directory, check=True, capture_output=True)
        table.rows += [[path, *_scores(directory, f"{url}{path}")] for path in every_path]
    return table


def _scores(directory: Path, url: str) -> list[float]:
    program = directory / "node_modules" / ".bin" / "lighthouse"
    flags = ["--quiet", "--output=json", "--preset=desktop", f"--only-categories={','.join(CATEGORIES)}"]
    chrome = f"--chrome-flags=--headless=new --no-sandbox --disable-gpu --user-data-dir={directory / 'profile'}"
    errors = []
    for _ in range(LIGHTHOUSE_TRIES):
        run = subprocess.run(
            [program, url, *flags, chrome],
            env=os.environ | {"CHROME_PATH": CHROMIUM},
            check=False,
            capture_output=True,
            text=True,
            timeout=180,
        )
        if run.returncode == 0:
            found: dict[str, Any] = json.loads(run.stdout)["categories"]
            return [100 * found[category]["score"] for category in CATEGORIES]
        errors.append(run.stderr)
    raise RuntimeError(f"Lighthouse at {url}: {errors}")
