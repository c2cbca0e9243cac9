"""Take the pictures of the README and the documents anew: every page of the demo, seen by Chromium.

python -m tests.web.screenshots [ADDRESS OF A SERVER THAT RUNS ALREADY]
"""

import asyncio
import re
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import httpx2
from playwright.async_api import Browser, async_playwright

from .demo import served_demo

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
IS_COMPLETE = """() => !document.querySelector('[hx-trigger^="load"]')
    && [...document.querySelectorAll('.chart-plot')].every(plot => plot.querySelector('canvas'))"""
"""Whether what comes later has come, and the charts are drawn."""

DESKTOP, PHONE = (1280, 860), (375, 760)
"""Width and height, in pixels."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Of a page as it opens; `scale` is how many dots of the picture a pixel has."""

    name: str
    path: str
    scheme: Literal["light", "dark"] = "light"
    viewport: tuple[int, int] = DESKTOP
    scale: float = 1.0

    async def take(self, browser: Browser, address: str) -> None:
        width, height = self.viewport
        context = await browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=self.scheme, device_scale_factor=self.scale
        )
        page = await context.new_page()
        await page.goto(address + self.path, wait_until="load")
        await page.wait_for_function(IS_COMPLETE)
        await page.screenshot(path=IMAGES / f"{self.name}.png")
        await context.close()


def pictures(address: str) -> list[Picture]:
    """Of one agent, its versions and a run of it: those of the agent that the sample data lets fail."""
    agent = _first(address, "/agents?status=ERROR", r"/agents/\d+")
    return [
        Picture("overview", "/"),
        Picture("overview-dark", "/", "dark"),
        Picture("overview-phone", "/", viewport=PHONE, scale=1.5),
        Picture("agents", "/agents"),
        Picture("agent", f"{agent}?range=7d"),
        Picture("compare", f"{agent}/compare?range=7d"),
        Picture("runs", "/runs?status=FAILED&status=TIMED_OUT", viewport=(1280, 700)),
        Picture("run", _first(address, f"/runs?status=FAILED&agent_id={agent.rpartition('/')[2]}", r"/runs/\d+/\d+")),
        Picture("providers", "/providers?range=7d"),
        Picture("system", "/system"),
        Picture("api", "/api"),
    ]


def _first(address: str, page: str, link: str) -> str:
    found = re.search(f'href="({link})["?]', httpx2.get(address + page).text)
    assert found is not None, f"no link like {link} on {page}"
    return found[1]


async def main(*addresses: str) -> None:
    with nullcontext(addresses[0]) if addresses else served_demo() as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            for picture in pictures(address):
                await picture.take(browser, address)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
