"""The command on the empty page does what it says, at the whole server."""

import json
import re
import shlex
from html import unescape

import httpx2

from formicary.app import create_app
from formicary.auth import Authenticator
from formicary.config import Settings
from formicary.db import Database

from .conftest import served


def command(page: str) -> tuple[str, dict[str, object]]:
    """Address and body of the request that the command on a page makes."""
    shown = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert shown is not None
    words = shlex.split(unescape(shown[1]))
    assert words[0] == "curl"
    return words[1], json.loads(words[words.index("-d") + 1])


async def test_command_on_the_empty_page_makes_the_first_agent_appear(db: Database, settings: Settings) -> None:
    app = create_app(settings, database=db, authenticator=Authenticator(db, is_open=True))
    async with served(app) as url, httpx2.AsyncClient() as client:
        address, body = command((await client.get(f"{url}/agents")).text)
        answer = (await client.post(address, json=body)).json()
        page = (await client.get(f"{url}/agents")).text
    assert answer == {"data": {"recordRuns": {"recorded": 1}}}
    assert "my-agent</a></h2>" in page
    assert "Never" not in page
