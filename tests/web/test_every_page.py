"""What must hold of every page with the sample data: it is accessible, fits a phone, is valid, complains of nothing."""

import fcntl
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from formicary_web.routes import PAGES

from ..postgres import CHECKOUT
from .conftest import Faults
from .demo import paths

pytestmark = [pytest.mark.browser, pytest.mark.node]

PACKAGES = ("axe-core@4.14.1", "html-validate@9.7.1")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

PHONE = ViewportSize(width=375, height=800)
DESKTOP = ViewportSize(width=1280, height=860)

MARKUP = {
    "extends": ["html-validate:recommended"],
    "rules": {
        "no-trailing-whitespace": "off",
        "void-style": "off",
        "long-title": "off",
        "form-dup-name": ["error", {"shared": ["radio", "checkbox"]}],
    },
}
"""How the templates lay out their source, and how long the name of an agent may be, are nobody's concern."""


@pytest.fixture(scope="module")
def address(demo: str) -> str:
    return demo


@pytest.fixture(scope="module")
def every_path(address: str) -> list[str]:
    return paths(address)


@pytest.fixture(scope="session")
def packages() -> Path:
    """Installed by the first who needs them, while the others wait, and kept for later runs."""
    directory = CHECKOUT / ".data" / "packages"
    directory.mkdir(parents=True, exist_ok=True)
    installed = directory / "_".join(PACKAGES)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed.exists():
            _install(directory / "unfinished").rename(installed)
    return installed / "node_modules"


def _install(directory: Path) -> Path:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    (directory / "package.json").write_text("{}")  # or npm looks for one further up
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return directory


async def violations(page: Page, packages: Path) -> list[str]:
    """What axe finds, each with the first element that it is about."""
    await page.evaluate((packages / "axe-core" / "axe.min.js").read_text())
    found: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", RULES)
    return [f"{each['id']}: {each['help']}: {each['nodes'][0]['html']}" for each in found["violations"]]


@pytest.mark.parametrize("number", range(len(PAGES)), ids=lambda number: PAGES[number].template)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
async def test_page_is_accessible_fits_and_complains_of_nothing(
    chromium: Browser, address: str, every_path: list[str], packages: Path, number: int, scheme: Any, size: ViewportSize
) -> None:
    context = await chromium.new_context(color_scheme=scheme, viewport=size, reduced_motion="reduce")
    page, faults = await context.new_page(), Faults()
    faults.watch(page, address)
    await page.goto(address + every_path[number], wait_until="load")
    await expect(page.locator(".htmx-request")).to_have_count(0)
    assert await page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert await violations(page, packages) == []
    assert faults.seen == []


@pytest.mark.parametrize("number", range(len(PAGES)), ids=lambda number: PAGES[number].template)
def test_markup_is_valid(address: str, every_path: list[str], packages: Path, tmp_path: Path, number: int) -> None:
    (tmp_path / "page.html").write_text(httpx2.get(address + every_path[number]).text)
    (tmp_path / "rules.json").write_text(json.dumps(MARKUP))
    program = packages / ".bin" / "html-validate"
    command = [program, "--formatter", "json", "--config", tmp_path / "rules.json", tmp_path / "page.html"]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    messages = [message for result in json.loads(run.stdout) for message in result["messages"]]
    assert [f"{each['line']}: {each['ruleId']}: {each['message']}" for each in messages] == []
