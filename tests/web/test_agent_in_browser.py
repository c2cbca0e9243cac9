"""The page of one agent, and of two of its versions, as a viewer has them: in Chromium."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, expect

from formicary.db import Database

from .conftest import OpenPage
from .test_agent import HOSTILE, record

pytestmark = pytest.mark.browser

PHONE = {"width": 375, "height": 800}


async def width(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth"))


async def test_every_chart_is_drawn(db: Database, open_page: OpenPage) -> None:
    agent_id = await record(db, {"version": "1.0"}, {"version": "1.1", "status": "FAILED"})
    for path, charts in ((f"/agents/{agent_id}", 6), (f"/agents/{agent_id}/compare", 4)):
        page = await open_page(path)
        await expect(page.locator("figure[data-chart] canvas")).to_have_count(charts)


async def test_axis_of_the_score_goes_from_0_to_1(db: Database, open_page: OpenPage) -> None:
    page = await open_page(f"/agents/{await record(db, {})}")
    await expect(page.locator("#score")).to_have_attribute("data-most", "1")
    await expect(page.locator("#score")).to_have_attribute("data-unit", "score")


async def test_days_of_the_score_go_into_the_address(db: Database, open_page: OpenPage) -> None:
    page = await open_page(f"/agents/{await record(db, {})}?range=7d")
    await page.get_by_label("Days of the score, 1 to 90").fill("3")
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page.locator("#score-table tbody tr")).to_have_count(72)
    assert parse_qs(urlsplit(page.url).query) == {"range": ["7d"], "days": ["3"]}


async def test_chosen_versions_stay_chosen_while_the_page_refreshes(db: Database, open_page: OpenPage) -> None:
    for version in ("1.0", "1.1", "1.2"):
        agent_id = await record(db, {"version": version})
    page = await open_page(f"/agents/{agent_id}?range=1h")
    await expect(page.locator("#version-a option:checked")).to_have_text("1.1")
    await page.locator("#version-a").select_option("1.0")
    await record(db, {"version": "1.0"})
    async with page.expect_response("**/versions*"):
        await page.get_by_role("button", name="Refresh").click()
    await expect(page.locator("#panel-versions tbody tr").last.locator(".figure").first).to_have_text("2")
    await expect(page.locator("#version-a option:checked")).to_have_text("1.0")
    await page.get_by_role("button", name="Compare").click()
    await expect(page.locator(".compare-table .version-mark")).to_have_text(["1.0", "1.2"])
    assert "range=1h" in page.url


async def test_bar_of_the_distribution_leads_to_its_runs(db: Database, open_page: OpenPage) -> None:
    agent_id = await record(db, *({"durationMs": 100} for _ in range(3)), {"durationMs": 9000})
    page = await open_page(f"/agents/{agent_id}")
    await page.locator("#spread .spread-hit").first.click()
    await page.wait_for_url("**/runs?*")
    found = parse_qs(urlsplit(page.url).query)
    assert found["status"] == ["SUCCEEDED", "FAILED", "TIMED_OUT"]
    assert float(found["min_duration_ms"][0]) <= 100 <= float(found["max_duration_ms"][0])


async def test_long_names_fit_a_phone(db: Database, open_page: OpenPage) -> None:
    run = {"model": HOSTILE, "provider": HOSTILE, "errorType": HOSTILE, "errorMessage": HOSTILE, "status": "FAILED"}
    await record(db, run | {"version": HOSTILE}, agent=HOSTILE)
    agent_id = await record(db, run | {"version": HOSTILE[:-1]}, agent=HOSTILE)
    for path in (f"/agents/{agent_id}", f"/agents/{agent_id}/compare"):
        page = await open_page(path, viewport=PHONE)
        await expect(page.locator("figure[data-chart] canvas").first).to_be_visible()
        assert await width(page) == PHONE["width"]
