"""Saved views over HTTP: who sees which, and what can be saved."""

import re
from collections.abc import AsyncIterator
from html import unescape

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role
from formicary.resolvers import saved_views

from .logging_in import Site, key_of
from .logging_in import site as served_site
from .rows import insert_agent


@pytest.fixture
async def site(db: Database, settings: Settings) -> AsyncIterator[Site]:
    async with served_site(db, settings) as site:
        yield site


@pytest.fixture
async def open_site(db: Database, settings: Settings) -> AsyncIterator[Site]:
    async with served_site(db, settings, is_open=True) as site:
        yield site


async def views(site: Site) -> dict[str, str]:
    """Names and addresses in the menu."""
    page = (await site.page("/agents")).text
    found = re.findall(r'<a class="one-line" href="([^"]*)" title="([^"]*)"', page)
    return {unescape(name): unescape(path) for path, name in found}


async def save(site: Site, name: str, path: str = "/agents?project=red", **form: object) -> int:
    return (await site.post("/views", {"name": name, "path": path, **form})).status_code


async def test_view_is_saved_opened_and_deleted(db: Database, open_site: Site) -> None:
    saved = await open_site.post("/views", {"name": " Red   ants ", "path": "/agents?project=red&status=ERROR"})
    assert saved.headers["location"] == "/agents?project=red&status=ERROR"
    assert await views(open_site) == {"Red ants": "/agents?project=red&status=ERROR"}
    id_ = await db.fetchval("SELECT id FROM saved_view")
    gone = await open_site.post(f"/views/{id_}/delete", {"path": "/agents"})
    assert gone.headers["location"] == "/agents"
    assert await views(open_site) == {}


async def test_same_name_takes_the_new_address(open_site: Site) -> None:
    for path in ("/agents?project=red", "/agents?project=blue"):
        await save(open_site, "Mine", path)
    assert await views(open_site) == {"Mine": "/agents?project=blue"}


async def test_view_is_private_to_its_key_unless_shared(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    await save(site, "private")
    await save(site, "for all", shared="yes")
    assert list(await views(site)) == ["for all", "private"]
    site.browser.cookies.clear()
    await site.log_in(await key_of(db, name="other"))
    assert list(await views(site)) == ["for all"]


async def test_bound_key_sees_no_view_that_names_another_project(db: Database, site: Site) -> None:
    for project in ("red", "blue"):
        await insert_agent(db, project=project)
    await site.log_in(await key_of(db))
    for path in ("/agents?project=red", "/agents?project=blue", "/agents"):
        await save(site, path, path, shared="yes")
    site.browser.cookies.clear()
    await site.log_in(await key_of(db, Role.READ, "red"))
    assert list(await views(site)) == ["/agents", "/agents?project=red"]


async def test_view_shared_by_a_key_of_other_projects_is_not_seen(db: Database, site: Site) -> None:
    for project in ("red", "blue", "green"):
        await insert_agent(db, project=project)
    for name, projects in (("by red", ["red"]), ("by blue", ["blue"]), ("by both", ["red", "blue"]), ("by all", [])):
        site.browser.cookies.clear()
        await site.log_in(await key_of(db, Role.READ, *projects))
        await save(site, name, "/agents?error_text=of+mine", shared="yes")
    seen = []
    for projects in (["red"], ["red", "blue"], ["green"], []):
        site.browser.cookies.clear()
        await site.log_in(await key_of(db, Role.READ, *projects))
        seen.append(sorted(await views(site)))
    everything = ["by all", "by blue", "by both", "by red"]
    assert seen == [["by all", "by red"], everything, ["by all"], everything]


@pytest.mark.parametrize("id_", [0, 2**63 - 1, 2**63, 10**19 - 1])
async def test_view_that_is_not_there_is_not_found(open_site: Site, id_: int) -> None:
    assert (await open_site.post(f"/views/{id_}/delete", {"path": "/"})).status_code == 404


async def test_view_of_another_is_deleted_by_an_administrator_alone(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    await save(site, "for all", shared="yes")
    await save(site, "private")
    shared, private = [row["id"] for row in await db.fetch("SELECT id FROM saved_view ORDER BY name")]
    statuses = []
    for role in (Role.READ, Role.ADMIN):
        site.browser.cookies.clear()
        await site.log_in(await key_of(db, role))
        gone = [await site.post(f"/views/{id_}/delete", {"path": "/"}) for id_ in (shared, private)]
        statuses += [response.status_code for response in gone]
    assert statuses == [404, 404, 303, 404]


@pytest.mark.parametrize("path", ["https://example.org/", "//example.org", "/\\example.org", "agents", "", "/" * 5000])
async def test_only_pages_of_this_server_are_saved(db: Database, open_site: Site, path: str) -> None:
    assert await save(open_site, "elsewhere", path) == 400
    assert await db.fetchval("SELECT count(*) FROM saved_view") == 0


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x07b"])
async def test_name_is_a_text_of_at_most_80_characters(db: Database, open_site: Site, name: str) -> None:
    assert await save(open_site, name) == 400
    assert await db.fetchval("SELECT count(*) FROM saved_view") == 0


async def test_name_is_text(open_site: Site) -> None:
    await save(open_site, "<img src=x onerror=alert(1)>")
    assert "<img src=x" not in (await open_site.page("/agents")).text
    assert list(await views(open_site)) == ["<img src=x onerror=alert(1)>"]


async def test_key_has_a_limited_number_of_views(
    db: Database, open_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_views, "MOST", 2)
    assert [await save(open_site, name) for name in ("a", "b", "c", "b")] == [303, 303, 400, 303]


async def test_foreign_page_saves_nothing(db: Database, open_site: Site) -> None:
    refused = await open_site.post("/views", {"name": "x", "path": "/"}, **{"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert await db.fetchval("SELECT count(*) FROM saved_view") == 0


async def test_menu_is_read_with_the_projects_in_one_statement(
    db: Database, open_site: Site, statements: list[str]
) -> None:
    await open_site.page("/agents")
    statements.clear()
    await open_site.page("/agents")
    assert len([text for text in statements if "saved_view" in text]) == 1
    assert [text for text in statements if text.startswith("SELECT p.slug")] == []
