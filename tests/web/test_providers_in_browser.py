"""The providers page as a viewer has it: in Chromium."""

import pytest
from playwright.async_api import expect

from formicary.db import Database
from formicary.ingest.recorder import Recorder

from ..ingest.factories import ago, run_input
from .conftest import OpenPage

pytestmark = pytest.mark.browser

PHONE = {"width": 375, "height": 800}
DESKTOP = {"width": 1280, "height": 800}


async def record(db: Database, *names: str) -> None:
    runs = [
        run_input(provider=name, model=f"{name}-1", status=status, errorType=name, startedAt=ago(7200 + i).isoformat())
        for i, name in enumerate(names)
        for status in ("SUCCEEDED", "FAILED")
    ]
    await Recorder(db).record(runs, None)


async def test_requests_and_error_rates_are_drawn_of_providers_and_models(db: Database, open_page: OpenPage) -> None:
    await record(db, "north", "south")
    page = await open_page("/providers")
    await expect(page.locator(".chart-plot canvas")).to_have_count(4)
    legends = page.locator("#error-rates-by-model .legend-item")
    assert sorted(await legends.all_text_contents()) == ["north-1", "south-1"]


async def test_page_can_be_read_without_script(db: Database, open_page: OpenPage) -> None:
    await record(db, "north")
    page = await open_page("/providers", java_script_enabled=False)
    await page.locator("#requests-by-provider summary").click()
    await expect(
        page.locator("#requests-by-provider-table td a, #requests-by-provider-table th a").first
    ).to_be_visible()
    await page.get_by_role("link", name="north", exact=True).click()
    assert page.url.endswith("/runs?provider=north")


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
async def test_no_name_breaks_the_page(
    db: Database, open_page: OpenPage, viewport: dict[str, int], scheme: str
) -> None:
    await record(db, "x" * 200, "<img src=/static/nothing.png onerror=alert(1)>")
    page = await open_page("/providers", viewport=viewport, color_scheme=scheme)
    await expect(page.locator(".chart-plot canvas")).to_have_count(4)
    assert await page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
