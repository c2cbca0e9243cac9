"""Every number leads to the runs behind it: the list that it opens has just so many.

The pages are opened with the sample data and over a fixed range, so that nothing moves between a page and its lists.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

import httpx2
import pytest

from formicary_web.routes import PAGES

from .demo import paths, served_demo

LINK = re.compile(r"<a\b[^>]*\bdata-runs=[^>]*>")
ATTRIBUTE = re.compile(r'\b(href|data-runs)="([^"]*)"')
TOTAL = re.compile(r'data-total="(\d+)"')


class Link(NamedTuple):
    href: str
    runs: int


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served_demo() as url:
        yield url


@pytest.fixture(scope="module")
def every_path(address: str) -> list[str]:
    return paths(address)


def links(html: str) -> set[Link]:
    found = (dict(ATTRIBUTE.findall(tag)) for tag in LINK.findall(html))
    return {Link(unescape(attributes["href"]), int(attributes["data-runs"])) for attributes in found}


def total(client: httpx2.Client, href: str) -> int | None:
    """How many runs a list says that it has; None for what is no list."""
    found = TOTAL.search(client.get(href).text)
    return int(found[1]) if found else None


def state(days: float = 7, **more: str) -> str:
    now = datetime.now(UTC)
    return urlencode({"from": (now - timedelta(days=days)).isoformat(), "to": now.isoformat()} | more)


@pytest.mark.parametrize("query", [state(), state(project="shop"), state(days=0.1)], ids=["week", "project", "hours"])
@pytest.mark.parametrize("number", range(len(PAGES)), ids=lambda number: PAGES[number].template)
def test_list_behind_a_number_has_as_many_runs(address: str, every_path: list[str], number: int, query: str) -> None:
    with httpx2.Client(base_url=address) as client:
        page = client.get(f"{every_path[number]}?{query}")
        found = links(page.text)
        assert {link: total(client, link.href) for link in found} == {link: link.runs for link in found}


def test_total_of_the_list_leads_to_itself(address: str) -> None:
    with httpx2.Client(base_url=address) as client:
        assert total(client, f"/runs?{state()}")
