"""The list of runs in Chromium: loading more, what a poll may not take away, rows, and the filter on a phone."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from formicary.db import Database
from formicary.ingest.recorder import Recorder

from ..ingest.factories import ago, run_input
from .conftest import OpenPage

pytestmark = pytest.mark.browser

POLL = "/fragments/runs/runs"


async def record(db: Database, number: int = 1, **fields: Any) -> None:
    runs = [run_input(startedAt=ago(60 + number - place).isoformat(), **fields) for place in range(number)]
    await Recorder(db).record(runs, None)


async def poll(page: Page) -> None:
    async with page.expect_response(lambda response: POLL in response.url):
        await page.clock.run_for(31_000)


async def load_more(page: Page, rows: int) -> None:
    await page.get_by_text("Load more").click()
    await expect(page.locator(".run-row")).to_have_count(rows)


async def test_more_is_added_below_and_no_poll_takes_it_away(db: Database, open_page: OpenPage) -> None:
    await record(db, 120)
    page = await open_page("/runs?range=7d")
    await load_more(page, 100)
    await load_more(page, 120)
    await expect(page.get_by_text("Load more")).to_have_count(0)
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url))
    await record(db)
    await page.clock.run_for(95_000)
    assert polls == []
    await expect(page.locator(".run-row")).to_have_count(120)
    await page.get_by_role("link", name="back to the newest").click()
    await expect(page.locator(".run-row")).to_have_count(50)
    await expect(page.locator("[data-total]")).to_have_text("121")


async def test_new_runs_appear_by_themselves_while_nothing_more_is_loaded(db: Database, open_page: OpenPage) -> None:
    await record(db, 3)
    page = await open_page("/runs")
    await expect(page.get_by_text("not refreshed by itself")).to_be_hidden()
    await record(db, model="brand-new")
    await poll(page)
    await expect(page.locator(".run-row")).to_have_count(4)
    await expect(page.get_by_text("brand-new")).to_be_visible()


async def test_refreshing_by_hand_begins_anew_where_something_changed(db: Database, open_page: OpenPage) -> None:
    await record(db, 60)
    page = await open_page("/runs")
    await load_more(page, 60)
    await record(db)
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.locator(".run-row")).to_have_count(50)


async def test_click_anywhere_in_a_row_opens_the_run_but_names_lead_elsewhere(
    db: Database, open_page: OpenPage
) -> None:
    await record(db, agent="reader", version="7.0")
    page = await open_page("/runs")
    row = page.locator(".run-row")
    await row.locator("td.number").first.click(force=True)
    await expect(page).to_have_url(await page.evaluate("location.origin") + "/runs/1/1")
    await page.go_back()
    await row.get_by_role("link", name="7.0").click()
    await expect(page.locator(".filter-chip")).to_contain_text("7.0")


async def test_filter_can_be_filled_in_on_a_phone(db: Database, open_page: OpenPage) -> None:
    await record(db, 2, model="m-1")
    await record(db, 1, model="m-2")
    page = await open_page("/runs?range=7d", viewport={"width": 375, "height": 700})
    await page.get_by_text("Filter", exact=True).click()
    await page.get_by_role("textbox", name="Model").fill("m-1")
    await page.get_by_label("Succeeded").check()
    assert await page.evaluate("document.documentElement.scrollWidth") == 375
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".filter-chip")).to_have_count(2)
    assert page.url.endswith("/runs?range=7d&status=SUCCEEDED&model=m-1")
    await expect(page.locator(".run-row")).to_have_count(2)


async def test_slash_leads_to_the_search(db: Database, open_page: OpenPage) -> None:
    await record(db, externalId="order-1")
    page = await open_page("/runs?range=7d")
    await page.keyboard.press("/")
    await page.keyboard.type("order-1")
    await page.keyboard.press("Enter")
    await expect(page.locator(".filter-chip")).to_contain_text("order-1")
    assert page.url.endswith("/runs?range=7d&external_id=order-1")


async def test_without_script_the_list_goes_on_and_can_be_filtered(db: Database, open_page: OpenPage) -> None:
    await record(db, 60, model="m-1")
    page = await open_page("/runs?range=7d", java_script_enabled=False)
    await page.get_by_text("Load more").click()
    await expect(page.locator(".run-row")).to_have_count(10)
    await page.get_by_role("link", name="back to the first").click()
    await page.get_by_text("Filter", exact=True).click()
    await page.get_by_role("textbox", name="Model").fill("none such")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_role("link", name="60 without the filter “Model”")).to_be_visible()
