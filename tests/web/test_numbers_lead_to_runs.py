"""Every number leads to the runs behind it: the list that it opens has just so many.

The pages are opened with the sample data and over a fixed range, so that nothing moves between a page and its lists.
"""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode

import httpx2
import pytest

from formicary_web.routes import PAGES

from .demo import paths

LINK = re.compile(r"<a\b[^>]*\bdata-runs=[^>]*>")
ATTRIBUTE = re.compile(r'\b(href|data-runs)="([^"]*)"')
TOTAL = re.compile(r'data-total="(\d+)"')


class Link(NamedTuple):
    href: str
    runs: int


@pytest.fixture(scope="module")
def address(demo: str) -> str:
    return demo


@pytest.fixture(scope="module")
def every_path(address: str) -> list[str]:
    return [*paths(address), *IN_OTHER_STATES]


def links(html: str) -> set[Link]:
    found = (dict(ATTRIBUTE.findall(tag)) for tag in LINK.findall(html))
    return {Link(unescape(attributes["href"]), int(attributes["data-runs"])) for attributes in found}


def total(client: httpx2.Client, href: str) -> int | None:
    """How many runs a list says that it has; None for what is no list."""
    found = TOTAL.search(client.get(href).text)
    return int(found[1]) if found else None


WITH_FIGURES = ("/", "/agents", "/agents/{agent_id:int}", "/agents/{agent_id:int}/compare", "/providers")
"""The pages that are about runs, and so must have such links."""

IN_OTHER_STATES = ("/agents?view=table", "/runs?model=none-such&status=FAILED&status=TIMED_OUT")
"""More to open: what a page shows only then, such as what to loosen where a list is empty."""

NUMBER_OF_PATHS = len(PAGES) + len(IN_OTHER_STATES)


def state(days: float = 1.2, **more: str) -> str:
    now = datetime.now(UTC)
    return urlencode({"from": (now - timedelta(days=days)).isoformat(), "to": now.isoformat()} | more)


@pytest.mark.parametrize("query", [state(), state(days=0.2, project="shop")], ids=["day", "project"])
@pytest.mark.parametrize("number", range(NUMBER_OF_PATHS))
def test_list_behind_a_number_has_as_many_runs(address: str, every_path: list[str], number: int, query: str) -> None:
    path = every_path[number]
    with httpx2.Client(base_url=address) as client:
        found = links(client.get(f"{path}{'&' if '?' in path else '?'}{query}").text)
        assert {link: total(client, link.href) for link in found} == {link: link.runs for link in found}


def test_pages_about_runs_have_numbers_that_lead_to_them(address: str, every_path: list[str]) -> None:
    assert {page.path for page in PAGES} >= set(WITH_FIGURES)
    paths = [path for page, path in zip(PAGES, every_path, strict=False) if page.path in WITH_FIGURES]
    with httpx2.Client(base_url=address) as client:
        found = {path: len(links(client.get(path).text)) for path in (*paths, *IN_OTHER_STATES)}
    assert all(found.values()), found


def test_total_of_the_list_leads_to_itself(address: str) -> None:
    with httpx2.Client(base_url=address) as client:
        assert total(client, f"/runs?{state()}")
