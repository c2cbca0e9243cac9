"""The agents page as a viewer has it: in Chromium, with a clock that the test moves."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from formicary.db import Database

from .conftest import Faults, OpenPage, dashboard, served
from .rows import insert_agent, insert_failing_agent, seconds_ago

pytestmark = pytest.mark.browser

PHONE = {"width": 375, "height": 800}
DESKTOP = {"width": 1280, "height": 800}
HALF_A_MINUTE = 30_000

SET_HIDDEN = """hidden => {
    Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


async def refreshed(page: Page) -> None:
    """Move the clock to the next poll and see it answered."""
    async with page.expect_response("**/fragments/agents/agents*", timeout=8000):
        await page.clock.fast_forward(HALF_A_MINUTE)


async def test_page_shows_each_agent_with_how_it_stands(db: Database, open_page: OpenPage) -> None:
    await insert_failing_agent(db, "broken", display_name="Broken one", project="ops", version="1.2.3")
    page = await open_page("/agents")
    card = page.locator(".card")
    await expect(card).to_contain_text("Broken one")
    for text in ("ops", "1.2.3", "Error", "0.20", "poor", "1 min ago", "TimeoutError"):
        await expect(card).to_contain_text(text)


async def test_fragment_refreshes_by_itself_every_30_seconds(db: Database, open_page: OpenPage) -> None:
    await insert_agent(db, "first")
    page = await open_page("/agents")
    await insert_agent(db, "second")
    await refreshed(page)
    await expect(page.locator(".card-title")).to_have_text(["second", "first"])


async def test_new_failure_shows_in_the_title_of_the_tab(db: Database, open_page: OpenPage) -> None:
    page = await open_page("/agents")
    await insert_failing_agent(db)
    await refreshed(page)
    await expect(page).to_have_title("(1) Agents · Formicary")


async def test_hidden_page_does_not_poll_and_refreshes_at_once_on_return(db: Database, open_page: OpenPage) -> None:
    page = await open_page("/agents")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.evaluate(SET_HIDDEN, True)
    await page.clock.run_for(10 * HALF_A_MINUTE)
    assert [url for url in asked if "/fragments/" in url] == []
    await insert_agent(db, "meanwhile")
    await page.evaluate(SET_HIDDEN, False)
    await expect(page.locator(".card-title")).to_have_text("meanwhile")


async def test_refresh_button_asks_at_once_and_stays_on_the_page(db: Database, open_page: OpenPage) -> None:
    page = await open_page("/agents")
    await insert_agent(db, "new")
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.locator(".card-title")).to_have_text("new")
    assert page.url.endswith("/agents")


async def test_page_counts_the_seconds_since_it_was_updated(db: Database, open_page: OpenPage) -> None:
    page = await open_page("/agents")
    await page.clock.run_for(12_000)
    await expect(page.locator("[data-updated]")).to_have_text("Updated 12 s ago")
    await page.get_by_role("button", name="Refresh").click()
    await expect(page.locator("[data-updated]")).to_have_text("Updated 0 s ago")


async def test_script_writes_times_in_the_words_of_the_server(db: Database, open_page: OpenPage) -> None:
    for seconds in (100, 3599, 3700, 86_300, 86_500, 900_000):
        await insert_agent(db, f"{seconds}", last_active_at=seconds_ago(seconds - 30))
    without_script = await open_page("/agents", java_script_enabled=False)
    written = await without_script.locator(".facts time").all_inner_texts()
    assert len(written) == 6
    with_script = await open_page("/agents")
    await with_script.clock.run_for(1000)
    await expect(with_script.locator(".facts time")).to_have_text(written)


async def test_times_show_the_viewers_zone_and_utc_on_hover(db: Database, open_page: OpenPage) -> None:
    await insert_agent(db, last_active_at=seconds_ago(7200))
    page = await open_page("/agents", timezone_id="Asia/Tokyo", locale="en-GB")
    time = page.locator(".facts time")
    title, at = await time.get_attribute("title"), await time.get_attribute("datetime")
    assert title is not None
    assert at is not None
    local, utc = title.split("\n")
    assert utc == f"{at[:10]} {at[11:19]} UTC"
    assert local.endswith(f"{(int(at[11:13]) + 9) % 24:02}{at[13:19]}")


async def test_failed_refresh_says_so_in_its_place_and_can_be_tried_again(
    db: Database, open_page: OpenPage, faults: Faults
) -> None:
    await insert_agent(db, "known")
    page = await open_page("/agents")
    await db.execute("ALTER TABLE agent_state RENAME TO away")
    await refreshed(page)
    problem = page.locator("#panel-agents [role=alert]")
    await expect(problem).to_contain_text("Something went wrong")
    await expect(page.locator(".card-title")).to_have_text("known")
    await db.execute("ALTER TABLE away RENAME TO agent_state")
    await problem.get_by_role("button", name="Try again").click()
    await expect(problem).to_be_empty()
    assert [fault for fault in faults.seen if "500" not in fault] == []
    faults.seen.clear()


async def test_server_that_is_gone_is_named_and_its_return_noticed(
    db: Database, chromium: Browser, faults: Faults
) -> None:
    await insert_agent(db, "known")
    async with served(dashboard(db)) as url:
        page = await (await chromium.new_context()).new_page()
        await page.clock.install()
        await page.goto(f"{url}/agents")
    async with page.expect_event("requestfailed"):
        await page.clock.fast_forward(HALF_A_MINUTE)
    problem = page.locator("#panel-agents [role=alert]")
    await expect(problem).to_contain_text("Formicary does not answer")
    await expect(page.locator(".card-title")).to_have_text("known")
    async with served(dashboard(db), urlsplit(url).port or 0):
        await refreshed(page)
        await expect(problem).to_be_empty()


async def test_error_page_of_a_proxy_is_kept_out(db: Database, open_page: OpenPage, faults: Faults) -> None:
    await insert_agent(db, "known")
    page = await open_page("/agents")
    await page.route("**/fragments/**", lambda route: route.fulfill(status=502, body="<h1>nginx</h1>"))
    await refreshed(page)
    await expect(page.locator("#panel-agents [role=alert]")).to_contain_text("Formicary does not answer")
    await expect(page.get_by_text("nginx")).to_have_count(0)
    faults.seen.clear()


async def test_what_is_opened_scrolled_and_focused_stays_so_over_a_refresh(db: Database, open_page: OpenPage) -> None:
    for i in range(20):
        await insert_failing_agent(db, f"broken {i:02}", last_error_message="long " * 100)
    page = await open_page("/agents", viewport=PHONE)
    error = page.locator(".last-error").nth(9)
    await error.locator("summary").click()
    before = await page.evaluate("scrollY")
    await insert_agent(db, "new", pheromone_score=0.01)
    await refreshed(page)
    await expect(page.locator(".card")).to_have_count(21)
    await expect(error).to_have_attribute("open", "")
    await expect(error.locator("summary")).to_be_focused()
    assert await page.evaluate("scrollY") == before


async def test_failing_agent_at_the_top_leads_to_its_card(db: Database, open_page: OpenPage) -> None:
    for i in range(30):
        await insert_agent(db, f"fine {i}", pheromone_score=0.9)
    await insert_failing_agent(db, "broken")
    page = await open_page("/agents")
    card = page.locator(".card", has_text="broken")
    await expect(card).not_to_be_in_viewport()
    await page.get_by_role("link", name="broken 4 in a row").click()
    await expect(card).to_be_in_viewport(ratio=1)


async def test_choosing_a_project_puts_it_into_the_address(db: Database, open_page: OpenPage) -> None:
    await insert_agent(db, "mine", project="a")
    await insert_agent(db, "other", project="b")
    page = await open_page("/agents")
    await page.get_by_label("Project").select_option("a")
    await page.wait_for_url("**/agents?project=a")
    await expect(page.locator(".card-title")).to_have_text("mine")
    await page.get_by_label("Project").select_option("All projects")
    await page.wait_for_url("**/agents")
    await expect(page.locator(".card-title")).to_have_count(2)


async def test_page_works_without_script(db: Database, open_page: OpenPage) -> None:
    await insert_agent(db, "mine", project="a")
    await insert_agent(db, "other", project="b")
    page = await open_page("/agents", java_script_enabled=False)
    await page.get_by_label("Project").select_option("a")
    await page.get_by_role("button", name="Show").click()
    await expect(page.locator(".card-title")).to_have_text("mine")
    await page.get_by_role("link", name="Refresh").click()
    assert page.url.endswith("/agents?project=a")


async def test_command_for_the_first_run_can_be_copied(open_page: OpenPage) -> None:
    page = await open_page("/agents", permissions=["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = await page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl http://127.0.0.1:")


async def test_first_agent_appears_on_the_empty_page(db: Database, open_page: OpenPage) -> None:
    page = await open_page("/agents")
    await expect(page.get_by_text("No agents yet")).to_be_visible()
    await insert_agent(db, "first")
    await refreshed(page)
    await expect(page.get_by_text("No agents yet")).to_have_count(0)
    await expect(page.locator(".card-title")).to_have_text("first")


@pytest.mark.parametrize(("viewport", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
@pytest.mark.parametrize("text", ["x" * 200, "<img src=/static/nothing.png onerror=alert(1)>"], ids=["long", "markup"])
async def test_no_text_breaks_the_page(
    db: Database, open_page: OpenPage, scheme: str, viewport: dict[str, int], text: str
) -> None:
    await insert_failing_agent(
        db, text, project=text, focus_type=text, version=text, last_error_type=text, last_error_message=text * 5
    )
    page = await open_page("/agents", color_scheme=scheme, viewport=viewport)
    await expect(page.locator(".card-title")).to_have_text(text)
    assert await page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    overflowing = "nodes => nodes.filter(n => n.getBoundingClientRect().right > innerWidth).length"
    assert await page.locator(".card > *, .badge, dd").evaluate_all(overflowing) == 0
    cut_off = "nodes => nodes.filter(n => n.scrollWidth > n.clientWidth).length"
    assert await page.locator(".card-title, .last-error-text").evaluate_all(cut_off) == 0


async def test_choosing_a_condition_puts_it_into_the_address_and_its_chip_takes_it_out(
    db: Database, open_page: OpenPage
) -> None:
    await insert_agent(db, "reader", focus_type="reading")
    await insert_failing_agent(db, "writer", focus_type="writing")
    page = await open_page("/agents?range=7d")
    await page.get_by_label("Status").select_option("Error")
    await page.wait_for_url("**/agents?range=7d&status=ERROR")
    await page.get_by_label("Focus").select_option("writing")
    await page.wait_for_url("**/agents?range=7d&status=ERROR&focus=writing")
    await expect(page.locator(".card-title")).to_have_text("writer")
    await page.get_by_role("link", name="Status Error Remove").click()
    await page.wait_for_url("**/agents?range=7d&focus=writing")
    await page.get_by_role("link", name="Focus writing Remove").click()
    await expect(page.locator(".card-title")).to_have_count(2)
    assert page.url.endswith("/agents?range=7d")


async def test_slash_leads_to_the_search_and_enter_searches(db: Database, open_page: OpenPage) -> None:
    await insert_agent(db, "reader")
    await insert_agent(db, "writer")
    page = await open_page("/agents?view=table")
    await page.keyboard.press("/")
    await page.keyboard.type("wri")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/agents?view=table&q=wri")
    await expect(page.locator(".table-agents tbody tr")).to_have_count(1)


async def test_table_stays_sorted_over_a_refresh(db: Database, open_page: OpenPage) -> None:
    await insert_agent(db, "beaver")
    page = await open_page("/agents?view=table")
    await page.get_by_role("link", name="Name", exact=True).click()
    await page.wait_for_url("**/agents?view=table&sort=name")
    await insert_agent(db, "ant")
    await refreshed(page)
    await expect(page.locator("tbody th")).to_have_text(["ant", "beaver"])
    await expect(page.get_by_role("columnheader", name="Name")).to_have_attribute("aria-sort", "ascending")


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_no_text_breaks_the_table(db: Database, open_page: OpenPage, viewport: dict[str, int]) -> None:
    text = "x" * 200
    await insert_failing_agent(db, text, project=text, focus_type=text, version=text)
    page = await open_page(f"/agents?view=table&q={text}&focus={text}", viewport=viewport)
    await expect(page.locator("tbody th")).to_have_text(text)
    assert await page.evaluate("document.documentElement.scrollWidth") == viewport["width"]


async def test_light_and_dark_follow_the_viewers_choice(open_page: OpenPage) -> None:
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    light = await (await open_page("/agents", color_scheme="light")).evaluate(ground)
    dark = await (await open_page("/agents", color_scheme="dark")).evaluate(ground)
    assert light == "rgb(246, 246, 244)"
    assert dark == "rgb(18, 19, 20)"


async def test_policy_stops_what_is_inline(open_page: OpenPage, faults: Faults) -> None:
    page = await open_page("/agents")
    await page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<img src=/static/favicon.svg onload=\"evil = 1\">')"
    )
    await page.wait_for_load_state("networkidle")
    assert await page.evaluate("typeof evil") == "undefined"
    assert "Content Security Policy" in faults.seen.pop()
