"""What lies behind the figures of a page: the runs that their links lead to."""

import re
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

from starlette.datastructures import QueryParams

from formicary.db import Database
from formicary.resolvers import run_page
from formicary_web import run_query
from formicary_web.place import Place

FIGURE = re.compile(r'<a [^>]*href="(/runs\?[^"]*)"[^>]* data-runs="(\d+)"')
STEP = re.compile(r'<tr><th scope="row"><a href="(/runs\?[^"]*)"[^>]*>[^<]*</a></th>(.*?)</tr>')
VALUE = re.compile(r'<td class="number"(?: data-value="([^"]*)")?>([^<]*)</td>')
"""What is written stands for itself unless it is rounded, shortened or a dash."""


def counted(html: str) -> list[tuple[str, int]]:
    """The links of a page that say how many runs they lead to, and that number."""
    return [(unescape(href), int(number)) for href, number in FIGURE.findall(html)]


def steps(html: str, chart_id: str) -> list[tuple[str, list[float | None]]]:
    """Of a chart's table the link and the values of each step of time."""
    table = html.split(f'id="{chart_id}-table"')[1].split("</table>", maxsplit=1)[0]
    return [(unescape(href), [_value(*cell) for cell in VALUE.findall(cells)]) for href, cells in STEP.findall(table)]


def _value(raw: str, text: str) -> float | None:
    return float(raw or text) if raw or text != "–" else None


async def count(db: Database, href: str) -> int:
    """How many runs the list at an address has."""
    params = QueryParams(urlsplit(href).query)
    place = Place.of("/runs", params)
    where = replace(run_query.parse(params), project=place.project, range=place.period.time_range)
    return await run_page.count(db, None, where)
