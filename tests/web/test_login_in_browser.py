"""Logging in, keys and views as a person does them, in Chromium."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from formicary.app import create_app
from formicary.auth import Authenticator, list_keys, revoke_key
from formicary.auth.remembered import TTL
from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role

from .conftest import Faults, served
from .logging_in import Clock, key_of

pytestmark = pytest.mark.browser


class Visitor:
    """A window on a server that wants keys."""

    def __init__(self, page: Page, clock: Clock) -> None:
        self.page = page
        self.clock = clock

    async def log_in(self, key: str) -> None:
        await self.page.get_by_label("API key").fill(key)
        await self.page.get_by_role("button", name="Log in").click()


@pytest.fixture(params=[True, False], ids=["script", "without"])
async def visitor(
    request: pytest.FixtureRequest, db: Database, settings: Settings, chromium: Browser, faults: Faults
) -> AsyncIterator[Visitor]:
    clock = Clock()
    authenticator = Authenticator(db, clock=clock)
    async with served(create_app(settings, database=db, authenticator=authenticator)) as url:
        context = await chromium.new_context(base_url=url, java_script_enabled=request.param)
        await context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = await context.new_page()
        faults.watch(page, url)
        yield Visitor(page, clock)
        await context.close()
    await authenticator.close()


async def test_person_logs_in_where_they_wanted_to_go_and_out_again(db: Database, visitor: Visitor) -> None:
    page = visitor.page
    await page.goto("/agents?range=7d")
    await visitor.log_in("fmy_wrong")
    await expect(page.get_by_role("alert")).to_contain_text("not a valid API key")
    await visitor.log_in(await key_of(db))
    await page.wait_for_url("**/agents?range=7d")
    await page.locator("#account summary").click()
    await expect(page.locator("#account")).to_contain_text("ops laptop")
    await page.get_by_role("button", name="Log out").click()
    await page.wait_for_url("**/login")
    await page.goto("/agents")
    await expect(page.get_by_label("API key")).to_be_visible()


async def test_key_is_made_copied_and_revoked(db: Database, visitor: Visitor) -> None:
    page = visitor.page
    await page.goto("/api")
    await visitor.log_in(await key_of(db, Role.ADMIN))
    await page.locator(".key-form").get_by_label("Name").fill("ci")
    await page.get_by_label("Ingest").check()
    await page.get_by_role("button", name="Make key").click()
    await expect(page.locator("#made-key")).to_contain_text("fmy_")
    text = await page.locator("#made-key").inner_text()
    if await page.locator(".made-key .snippet-copy").is_visible():
        await page.locator(".made-key .snippet-copy").click()
        assert await page.evaluate("navigator.clipboard.readText()") == text
    row = page.get_by_role("row", name="ci")
    await row.locator("summary").click()
    await row.get_by_role("button", name="Revoke for good").click()
    await expect(page.get_by_role("row", name="ci")).to_contain_text("Revoked")
    assert [key.revoked_at is not None for key in await list_keys(db)] == [False, True]


async def test_view_is_saved_and_opened_from_another_page(db: Database, visitor: Visitor) -> None:
    page = visitor.page
    await page.goto("/agents?range=7d&q=ant")
    await visitor.log_in(await key_of(db))
    await page.wait_for_url("**/agents?range=7d&q=ant")
    await page.locator("#views summary").click()
    await page.get_by_label("Save this view as").fill("Ants of the week")
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.goto("/system")
    await page.locator("#views summary").click()
    await page.get_by_role("link", name="Ants of the week").click()
    await page.wait_for_url("**/agents?range=7d&q=ant")
    await page.locator("#views summary").click()
    await page.get_by_role("button", name="Delete Ants of the week").click()
    await page.locator("#views summary").click()
    await expect(page.get_by_role("link", name="Ants of the week")).to_have_count(0)


@pytest.mark.parametrize("visitor", [True], indirect=True)
async def test_page_whose_login_has_ended_says_so_in_its_place(db: Database, visitor: Visitor, faults: Faults) -> None:
    page, key = visitor.page, await key_of(db)
    await page.goto("/agents")
    await visitor.log_in(key)
    await revoke_key(db, key)
    visitor.clock.now += TTL
    await page.get_by_role("button", name="Refresh").click()
    problem = page.locator("#panel-agents [role=alert]")
    await expect(problem).to_contain_text("You are not logged in")
    await problem.get_by_role("link", name="Log in").click()
    await page.wait_for_url("**/login?next=%2Fagents")
    assert [fault for fault in faults.seen if "401" not in fault] == []


@pytest.mark.parametrize("visitor", [True], indirect=True)
async def test_graphiql_opens_an_example_and_runs_it_with_the_login(db: Database, visitor: Visitor) -> None:
    page = visitor.page
    await page.goto("/api")
    await visitor.log_in(await key_of(db))
    await page.get_by_role("link", name="Which errors are the most frequent?").click()
    await expect(page.locator(".CodeMirror").first).to_contain_text("topErrors")
    await page.get_by_role("button", name="Execute query").click()
    await expect(page.locator(".result-window")).to_contain_text('"topErrors": []')
