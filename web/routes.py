"""The addresses of the dashboard."""

from starlette.routing import BaseRoute, Mount

from formicary.db import Database

from . import agents
from .assets import PREFIX, Assets
from .pages import Authenticate, Pages


def routes(*, database: Database, authenticate: Authenticate) -> list[BaseRoute]:
    """`authenticate` gives the principal of a request, or raises UnauthenticatedError."""
    pages = Pages(database=database, authenticate=authenticate)
    return [
        pages.route("/", agents.page),
        pages.route("/fragments/agents", agents.fragment),
        Mount(PREFIX, Assets()),
    ]
