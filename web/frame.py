"""What surrounds every page: where one can go from here, and who is looking."""

from collections.abc import Sequence
from dataclasses import dataclass

from formicary.resolvers import saved_views
from formicary.resolvers.saved_views import SavedView

from .download import Download
from .visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`nav` is the entry of the navigation that the page belongs to, `has_period` whether its range can be chosen.

    `projects` are the slugs of those that can; none where there is no choice. `views` are the saved ones, `downloads`
    what of the page can be taken along.
    """

    nav: str
    has_period: bool
    projects: list[str]
    views: list[SavedView]
    downloads: Sequence[Download]


async def frame(visit: Visit, *, nav: str, has_period: bool, has_project: bool, downloads: Sequence[Download]) -> Frame:
    slugs, views = await saved_views.with_projects(visit.database, visit.principal)
    project = visit.place.project
    known = slugs if project is None or project in slugs else [*slugs, project]
    return Frame(
        nav=nav, has_period=has_period, projects=known if has_project else [], views=views, downloads=downloads
    )
