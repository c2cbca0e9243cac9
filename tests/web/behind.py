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
STEP = re.compile(
    r'<a href="(/runs\?[^"]*)"[^>]*>[^<]*</a></th>((?:<td class="number" data-value="[^"]*">[^<]*</td>)+)'
)


def counted(html: str) -> list[tuple[str, int]]:
    """The links of a page that say how many runs they lead to, and that number."""
    return [(unescape(href), int(number)) for href, number in FIGURE.findall(html)]


def steps(html: str, chart_id: str) -> list[tuple[str, list[float | None]]]:
    """Of a chart's table the link and the values of each step of time."""
    table = html.split(f'id="{chart_id}-table"')[1].split("</table>", maxsplit=1)[0]
    return [
        (unescape(href), [float(value) if value else None for value in re.findall(r'data-value="([^"]*)"', cells)])
        for href, cells in STEP.findall(table)
    ]


async def count(db: Database, href: str) -> int:
    """How many runs the list at an address has."""
    params = QueryParams(urlsplit(href).query)
    place = Place.of("/runs", params)
    where = replace(run_query.parse(params), project=place.project, range=place.period.time_range)
    return await run_page.count(db, None, where)
