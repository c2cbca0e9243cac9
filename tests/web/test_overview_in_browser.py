"""What only a browser shows of the overview."""

import re

import pytest
from playwright.async_api import ViewportSize, expect

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.rollups import pheromone
from formicary.rollups.aggregate import settle

from ..ingest.factories import NOW
from ..resolvers.test_attention import calm, hour_of
from .conftest import OpenPage
from .rows import insert_failing_agent

pytestmark = pytest.mark.browser

PHONE = ViewportSize(width=375, height=800)
HALF_A_MINUTE = 30_000


async def spend(db: Database) -> None:
    """Two days of runs, in the middle of which three hours were dear."""
    dear = [run for hours_ago in (20, 21, 22) for run in hour_of(hours_ago, cost="2.00", userId="u", sessionId="s")]
    calm_hours = [hours_ago for hours_ago in range(1, 100) if hours_ago not in {20, 21, 22}]
    await Recorder(db).record(calm(calm_hours) + dear, None)
    await settle(db, NOW)
    await pheromone.update(db, Settings(), NOW)


async def test_users_and_sessions_appear_and_stay_over_a_refresh(db: Database, open_page: OpenPage) -> None:
    await spend(db)
    page = await open_page()
    people = page.locator(".stat-card", has_text="People")
    await expect(people.locator(".stat-value")).to_have_text(["1", "1"])
    await page.evaluate("document.getElementById('panel-people').seen = true")
    async with page.expect_response(re.compile("/fragments/figures")):
        await page.clock.run_for(HALF_A_MINUTE)
    await expect(people.locator(".stat-value")).to_have_text(["1", "1"])
    assert await page.evaluate("document.getElementById('panel-people').seen")


async def test_age_of_the_page_is_that_of_what_refreshes_itself(db: Database, open_page: OpenPage) -> None:
    await spend(db)
    page = await open_page()
    await expect(page.locator(".stat-card", has_text="People").locator(".stat-value")).to_have_count(2)
    await page.evaluate("document.getElementById('panel-people').dataset.takenAt = '2020-01-01T00:00:00Z'")
    await page.clock.run_for(2_000)
    await expect(page.locator("[data-updated]")).to_have_text(re.compile(r"Updated \d+ s ago"))


async def test_finding_says_when_it_was_in_the_viewers_zone_and_leads_there(db: Database, open_page: OpenPage) -> None:
    await spend(db)
    page = await open_page(timezone_id="Asia/Kolkata", locale="en-GB")
    finding = page.locator(".finding", has_text="times its usual")
    await expect(finding.locator(".finding-during time").first).to_have_text(re.compile(r"^\d+ \w+, \d\d:30$"))
    box = await finding.bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await page.wait_for_url("**/runs?from=*")


async def test_latency_is_drawn_by_powers_with_lines_at_plain_durations(db: Database, open_page: OpenPage) -> None:
    slow = [run for hours_ago in range(2, 9) for run in hour_of(hours_ago, 2, durationMs=400_000, agent="slow")]
    await Recorder(db).record(calm(range(2, 9), durationMs=30) + slow, None)
    page = await open_page()
    chart = page.locator("#latency .chart-plot canvas")
    await expect(chart).to_be_visible()
    assert await page.evaluate(
        "(() => { const { canvas } = document.querySelector('#latency canvas').getContext('2d');"
        " const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
        " return data.some(value => value > 0); })()"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_long_names_break_nothing_on_a_phone(db: Database, open_page: OpenPage, scheme: str) -> None:
    name = "<img src=x onerror=alert(1)>" + "x" * 170
    await Recorder(db).record(hour_of(1, failing=5, agent=name, errorType=name, errorMessage=name), None)
    await insert_failing_agent(db, "w" * 200, last_error_type=name, last_error_message=name)
    page = await open_page(viewport=PHONE, color_scheme=scheme)
    await expect(page.locator(".finding")).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


async def test_page_reads_without_script(db: Database, open_page: OpenPage) -> None:
    await spend(db)
    page = await open_page(java_script_enabled=False)
    await expect(page.locator(".finding")).to_have_count(1)
    await expect(page.locator("#outcomes-table tbody tr").first).to_be_attached()
    await expect(page.locator("#people")).to_have_text(re.compile("are counted by a script"))
