"""The addresses of the dashboard."""

from starlette.routing import BaseRoute, Mount

from formicary.config import Settings
from formicary.db import Database

from . import agent, agents, overview
from .assets import PREFIX, Assets
from .pages import Authenticate, Pages
from .panels import POLLED_FOR, Panels

PAGES = (overview.PAGE, agents.PAGE, agent.PAGE)


def routes(
    *, database: Database, settings: Settings, authenticate: Authenticate, polled_for: float = POLLED_FOR
) -> list[BaseRoute]:
    """`authenticate` gives the principal of a request, or raises UnauthenticatedError.

    What polls ask for may be up to `polled_for` seconds old.
    """
    pages = Pages(database=database, settings=settings, authenticate=authenticate, panels=Panels(polled_for))
    return [*(route for page in PAGES for route in pages.routes(page)), Mount(PREFIX, Assets())]
