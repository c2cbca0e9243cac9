"""The API page: examples that run, snippets that work, and keys made and revoked, over HTTP."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from formicary.auth import list_keys
from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role
from formicary_web.api_examples import EXAMPLES, Example

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


def snippet(page: str, id_: str) -> str:
    match = re.search(rf'<pre class="snippet-text" id="{id_}" tabindex="0">(.*?)</pre>', page, re.DOTALL)
    assert match
    return unescape(match[1])


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
async def test_every_example_can_be_asked(open_site: Site, example: Example) -> None:
    [query] = parse_qs(urlsplit(example.href).query)["query"]
    answer = await open_site.browser.post("/graphql", json={"query": query})
    assert "errors" not in answer.json()


@pytest.mark.curl
async def test_curl_snippet_works_with_a_key(db: Database, site: Site) -> None:
    key = await key_of(db)
    await site.log_in(key)
    command = snippet((await site.page("/api")).text, "ask-curl")
    assert key not in command
    assert await shell(["sh", "-c", command.replace("curl", "curl -sS")], key) == {
        "data": {"metrics": {"runs": 0, "successRate": None}}
    }


async def test_python_snippets_work_with_a_key(db: Database, site: Site) -> None:
    key = await key_of(db, Role.ADMIN)
    await site.log_in(key)
    page = (await site.page("/api")).text
    record = snippet(page, "record-python").replace("...", "pass") + "recorder.close()\nprint(1)"
    assert await shell([sys.executable, "-c", record], key) == 1
    ask = snippet(page, "ask-python").replace('print(json.load(response)["data"])', "print(response.read().decode())")
    assert (await shell([sys.executable, "-c", ask], key))["data"]["metrics"]["runs"] == 1


async def test_snippets_of_an_open_server_need_no_key(open_site: Site) -> None:
    page = (await open_site.page("/api")).text
    assert "FORMICARY_KEY" not in page
    for id_ in ("ask-python", "record-python"):
        compile(snippet(page, id_), id_, "exec")
        assert "os" not in re.findall(r"\w+", snippet(page, id_))


async def shell(command: list[str], key: str) -> Any:
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=30, env=os.environ | {"FORMICARY_KEY": key}
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_key_is_made_and_shown_exactly_once(db: Database, site: Site) -> None:
    await insert_agent(db, project="red")
    await site.log_in(await key_of(db, Role.ADMIN))
    made = await site.post("/api", {"name": "ci", "role": "INGEST", "project": "red"})
    text = snippet(made.text, "made-key")
    again = (await site.page("/api")).text
    assert text.startswith("fmy_")
    assert text not in again
    assert f"fmy_{text.split('_')[1]}_…" in again
    answer = await site.browser.post(
        "/graphql",
        json={"query": 'mutation { recordRuns(input: {runs: [{agent: "a", project: "red"}]}) { recorded } }'},
        headers={"authorization": f"Bearer {text}"},
    )
    assert answer.json()["data"]["recordRuns"]["recorded"] == 1
    [_, key] = await list_keys(db)
    assert (key.name, key.role, key.project_ids) == (
        "ci",
        "INGEST",
        [await db.fetchval("SELECT id FROM project WHERE slug = 'red'")],
    )


async def test_revoked_key_stays_in_the_list_as_such(db: Database, site: Site) -> None:
    await site.log_in(await key_of(db, Role.ADMIN))
    await key_of(db, name="old ci")
    [_, key] = await list_keys(db)
    assert (await site.post(f"/api/keys/{key.id}/revoke")).headers["location"] == "/api#keys"
    [_, revoked] = await list_keys(db)
    assert revoked.revoked_at is not None
    page = (await site.page("/api")).text
    assert "old ci" in page
    assert f"/api/keys/{key.id}/revoke" not in page


async def test_first_key_of_an_open_server_says_what_changes(open_site: Site) -> None:
    assert "There is no key yet" in (await open_site.page("/api")).text
    made = (await open_site.post("/api", {"name": "", "role": "ADMIN"})).text
    assert "until it is started" in made
    assert "the first key" in made


@pytest.mark.parametrize(
    ("form", "fault"),
    [
        ({"role": "OWNER"}, "role: &#39;OWNER&#39; is none of INGEST, READ, ADMIN"),
        ({"role": "READ", "name": "x" * 81}, "name: has 81 characters"),
        ({"role": "READ", "name": "ci\x1b[2J"}, "name: &#39;ci\\x1b[2J&#39; has characters that cannot be shown"),
        ({"role": "READ", "name": "a\u202eb"}, "name: &#39;a\\u202eb&#39; has characters that cannot be shown"),
        ({"role": "READ", "project": "nowhere"}, "There is no project &#39;nowhere&#39;"),
    ],
    ids=["role", "name", "control", "direction", "project"],
)
async def test_key_of_what_is_not_there_is_not_made(
    db: Database, open_site: Site, form: dict[str, object], fault: str
) -> None:
    refused = await open_site.post("/api", form)
    assert refused.status_code in (400, 404)
    assert fault in refused.text
    assert await list_keys(db) == []


async def test_who_may_not_manage_keys_is_told_why_and_shown_none(db: Database, site: Site) -> None:
    await insert_agent(db, project="red")
    for role, projects, why in ((Role.READ, (), "the role ADMIN"), (Role.ADMIN, ("red",), "bound to some")):
        site.browser.cookies.clear()
        await site.log_in(await key_of(db, role, *projects))
        page = (await site.page("/api")).text
        assert why in page
        assert "fmy_" not in page
        before = len(await list_keys(db))
        assert (await site.post("/api", {"role": "ADMIN"})).status_code == 403
        assert (await site.post("/api/keys/1/revoke")).status_code == 403
        assert len(await list_keys(db)) == before
        assert (await list_keys(db))[0].revoked_at is None


async def test_key_is_not_made_for_a_foreign_page(db: Database, open_site: Site) -> None:
    refused = await open_site.post("/api", {"role": "ADMIN"}, **{"sec-fetch-site": "cross-site"})
    assert refused.status_code == 403
    assert await list_keys(db) == []
