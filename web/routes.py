"""The addresses of the dashboard."""

import asyncio

from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import BaseRoute, Mount

from formicary.auth import Authenticator
from formicary.config import Settings
from formicary.db import Database

from . import agent, agents, api, compare, export, feed, login, overview, providers, run, runs, system, views
from .assets import PREFIX, Assets
from .feed import PACE, Pace
from .pages import Pages
from .panels import POLLED_FOR, Panels

PAGES = (
    overview.PAGE,
    agents.PAGE,
    agent.PAGE,
    compare.PAGE,
    providers.PAGE,
    runs.PAGE,
    run.PAGE,
    system.PAGE,
    api.PAGE,
)


def routes(
    *,
    database: Database,
    settings: Settings,
    authenticator: Authenticator,
    stopping: asyncio.Event,
    polled_for: float = POLLED_FOR,
    pace: Pace = PACE,
) -> list[BaseRoute]:
    """What polls ask for may be up to `polled_for` seconds old. What is live ends when `stopping` is set."""
    pages = Pages(database=database, settings=settings, authenticator=authenticator, panels=Panels(polled_for))
    return [
        *(route for page in PAGES for route in pages.routes(page)),
        *runs.routes(pages),
        *export.routes(pages),
        *login.routes(authenticator),
        *api.routes(pages),
        *views.routes(pages),
        *feed.routes(pages, stopping=stopping, pace=pace),
        Mount(PREFIX, GZipMiddleware(Assets())),
    ]
