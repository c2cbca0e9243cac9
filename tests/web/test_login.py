"""Logging in, staying so and logging out, over HTTP as a browser does it."""

import logging
from collections.abc import AsyncIterator

import pytest

from formicary.auth import Authenticator, revoke_key
from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role

from .logging_in import AS_PAGE, SAME_ORIGIN, Clock, Site, key_of
from .logging_in import site as served_site
from .rows import insert_agent


@pytest.fixture
async def site(db: Database, settings: Settings) -> AsyncIterator[Site]:
    async with served_site(db, settings) as site:
        yield site


async def test_page_without_a_login_leads_to_it_and_from_there_back(db: Database, site: Site) -> None:
    refused = await site.browser.get("/agents?project=shop", headers=AS_PAGE)
    assert refused.status_code == 303
    assert refused.headers["location"] == "/login?next=%2Fagents%3Fproject%3Dshop"
    form = await site.browser.get(refused.headers["location"])
    assert 'name="next" value="/agents?project=shop"' in form.text
    came_in = await site.log_in(await key_of(db), next_="/agents?project=shop")
    assert (came_in.status_code, came_in.headers["location"]) == (303, "/agents?project=shop")
    assert await site.status("/agents?project=shop") == 200


async def test_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts(db: Database, site: Site) -> None:
    cookie = (await site.log_in(await key_of(db))).headers["set-cookie"]
    name, *flags = cookie.split("; ")
    assert name.startswith("formicary_session=")
    assert sorted(flag.lower() for flag in flags) == ["httponly", "max-age=604800", "path=/", "samesite=lax"]


async def test_cookie_is_never_sent_without_encryption_once_the_browser_came_with_it(db: Database, site: Site) -> None:
    response = await site.log_in(await key_of(db), origin="https://formicary.example.org")
    assert response.headers["set-cookie"].startswith("__Host-formicary_session=")
    assert "; Secure" in response.headers["set-cookie"]


async def test_only_a_hash_of_the_cookie_is_stored(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    stored = await db.fetchval("SELECT to_jsonb(s)::text FROM dashboard_session s")
    assert site.browser.cookies["formicary_session"] not in stored


async def test_wrong_key_is_refused_and_noted_without_the_key(
    db: Database, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    key = await key_of(db)
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    with caplog.at_level(logging.WARNING, "formicary_web.login"):
        refused = await site.log_in(wrong)
    assert refused.status_code == 401
    assert "not a valid API key" in refused.text
    assert "set-cookie" not in refused.headers
    assert wrong not in refused.text
    assert "a login from 127.0.0.1 failed" in caplog.text
    assert wrong not in caplog.text


async def test_key_that_may_not_read_does_not_log_in(db: Database, site: Site) -> None:
    refused = await site.log_in(await key_of(db, Role.INGEST))
    assert refused.status_code == 403
    assert "the role INGEST" in refused.text
    assert await db.fetchval("SELECT count(*) FROM dashboard_session") == 0


@pytest.mark.parametrize(
    "next_",
    [
        "https://example.org/",
        "//example.org",
        "/\\example.org",
        "/\t/example.org",
        "/agents\x0b",
        "\\\\example.org",
        "javascript:alert(1)",
        "agents",
        "",
        "/login?next=/agents",
        "/login#agents",
        "/login?",
        "/logout",
        "/logout?next=/agents#x",
    ],
)
async def test_login_leads_nowhere_else(db: Database, site: Site, next_: str) -> None:
    assert (await site.log_in(await key_of(db), next_=next_)).headers["location"] == "/"
    shown = await site.browser.get("/login", params={"next": next_})
    assert shown.headers["location"] == "/"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://example.org"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "null"},
    ],
    ids=str,
)
async def test_form_of_another_origin_is_refused(db: Database, site: Site, headers: dict[str, str]) -> None:
    key = await key_of(db)
    foreign = await site.browser.post("/login", data={"key": key}, headers=headers)
    assert (foreign.status_code, "set-cookie" in foreign.headers) == (403, False)
    await site.log_in(key)
    assert (await site.browser.post("/logout", headers=headers)).status_code == 403
    assert await site.status() == 200


async def test_form_that_does_not_say_where_it_comes_from_is_refused_beside_a_cookie(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    assert (await site.browser.post("/logout")).status_code == 403
    assert (await site.browser.post("/logout", headers={"origin": str(site.browser.base_url)})).status_code == 303


async def test_logging_out_ends_the_session_for_whoever_kept_its_cookie(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    kept = dict(site.browser.cookies)
    assert await site.status() == 200
    gone = await site.browser.post("/logout", headers=SAME_ORIGIN)
    assert gone.headers["location"] == "/login"
    assert dict(site.browser.cookies) == {}
    site.browser.cookies.update(kept)
    assert await site.status() == 303


async def test_new_login_ends_the_one_whose_place_it_takes(db: Database, site: Site) -> None:
    key = await key_of(db)
    await site.log_in(key)
    replaced = dict(site.browser.cookies)
    await site.log_in(key)
    assert await site.status() == 200
    site.browser.cookies.clear()
    site.browser.cookies.update(replaced)
    assert await site.status() == 303


async def test_login_that_fails_leaves_the_present_one_as_it_is(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    await site.log_in("wrong")
    assert await site.status() == 200


async def test_revoking_a_key_ends_its_sessions(db: Database, site: Site) -> None:
    key = await key_of(db)
    await site.log_in(key)
    assert await site.status() == 200
    await revoke_key(db, key)
    site.forget_what_is_known()
    assert await site.status() == 303


@pytest.mark.parametrize(
    ("moved", "status"),
    [
        ("last_seen_at = now() - interval '11 hours'", 200),
        ("last_seen_at = now() - interval '12 hours 1 second'", 303),
        ("expires_at = now() + interval '1 minute'", 200),
        ("expires_at = now() - interval '1 second'", 303),
    ],
)
async def test_session_ends_when_idle_or_old(db: Database, site: Site, moved: str, status: int) -> None:
    await site.log_in(await key_of(db))
    await db.execute(f"UPDATE dashboard_session SET {moved}")
    assert await site.status() == status


async def test_use_keeps_a_session_from_being_idle(db: Database, settings: Settings) -> None:
    clock = Clock()
    authenticator = Authenticator(db, clock=clock)
    principal = await authenticator.authenticate(f"Bearer {await key_of(db)}")
    begun = await authenticator.sessions.begin(principal)
    await db.execute("UPDATE dashboard_session SET last_seen_at = now() - interval '11 hours'")
    assert await authenticator.authenticate(None, begun.token) == principal
    await authenticator.close()
    assert await db.fetchval("SELECT now() - last_seen_at < interval '1 minute' FROM dashboard_session")


async def test_sessions_that_are_over_are_dropped_at_the_next_login(db: Database, site: Site) -> None:
    key = await key_of(db)
    await site.log_in(key)
    await db.execute("UPDATE dashboard_session SET expires_at = now() - interval '1 second'")
    await site.log_in(key)
    assert await db.fetchval("SELECT count(*) FROM dashboard_session") == 1


async def test_ended_login_says_so(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    await db.execute("UPDATE dashboard_session SET expires_at = now() - interval '1 second'")
    assert "Your login has ended" in (await site.browser.get("/login")).text


async def test_session_of_a_bound_key_sees_its_project_alone(db: Database, site: Site) -> None:
    await insert_agent(db, "red ant", project="red")
    await insert_agent(db, "blue ant", project="blue")
    await site.log_in(await key_of(db, Role.READ, "red"))
    page = (await site.browser.get("/agents", headers=AS_PAGE)).text
    assert "red ant" in page
    assert "blue ant" not in page
    assert "bound to 1 project" in page


async def test_page_names_who_is_logged_in_with_a_way_out(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    page = (await site.browser.get("/agents", headers=AS_PAGE)).text
    assert "ops laptop" in page
    assert 'action="/logout"' in page


async def test_panel_without_a_login_says_so_in_its_place_and_leads_to_it(site: Site) -> None:
    response = await site.browser.get("/fragments/agents/agents?project=a", headers=AS_PAGE | {"hx-request": "true"})
    assert response.status_code == 401
    assert response.headers["hx-retarget"] == "find [data-problem]"
    assert 'href="/login?next=%2Fagents%3Fproject%3Da"' in response.text


async def test_no_answer_makes_a_browser_ask_for_a_password(site: Site) -> None:
    for headers in ({}, {"hx-request": "true"}, {"accept": "text/html", "authorization": "Basic d3Jvbmc6a2V5"}):
        response = await site.browser.get("/agents", headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"


QUERY = {"query": "{ agents { totalCount } }"}


async def test_api_takes_the_login_from_pages_of_this_server(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    for headers in (SAME_ORIGIN, {"origin": str(site.browser.base_url)}):
        response = await site.browser.post("/graphql", json=QUERY, headers=headers)
        assert response.json() == {"data": {"agents": {"totalCount": 0}}}


@pytest.mark.parametrize("headers", [{}, {"sec-fetch-site": "same-site"}, {"origin": "http://127.0.0.1:1"}], ids=str)
async def test_api_takes_the_login_from_nowhere_else(db: Database, site: Site, headers: dict[str, str]) -> None:
    await site.log_in(await key_of(db))
    assert (await site.browser.post("/graphql", json=QUERY, headers=headers)).status_code == 401
    assert (await site.browser.get("/graphql", params=QUERY, headers=headers)).status_code == 401


async def test_key_that_is_sent_counts_before_the_login(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db))
    assert await site.status(authorization="Bearer wrong") == 401
