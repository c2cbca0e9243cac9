"""Take the pictures of the README anew: the demo served on a fresh embedded database, seen by Chromium.

python -m tests.web.screenshots [ADDRESS OF A SERVER THAT RUNS ALREADY]
"""

import asyncio
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, ViewportSize, async_playwright

from .demo import served_demo

Scheme = Literal["light", "dark"]

IMAGES = Path(__file__).parents[2] / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
VIEWPORT = ViewportSize(width=1280, height=800)
PICTURES: dict[str, tuple[str, Scheme]] = {"agents.png": ("/", "light"), "agents-dark.png": ("/", "dark")}


async def take(browser: Browser, url: str, scheme: Scheme, file: Path) -> None:
    context = await browser.new_context(viewport=VIEWPORT, color_scheme=scheme, device_scale_factor=1.25)
    page = await context.new_page()
    await page.goto(url, wait_until="networkidle")
    await page.screenshot(path=file)
    await context.close()


async def main(*addresses: str) -> None:
    with nullcontext(addresses[0]) if addresses else served_demo() as address:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            for name, (path, scheme) in PICTURES.items():
                await take(browser, address + path, scheme, IMAGES / name)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
