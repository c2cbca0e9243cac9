"""What surrounds every page: where one can go from here, and who is looking."""

from dataclasses import dataclass

from formicary.resolvers import projects

from .visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """`nav` is the entry of the navigation that the page belongs to, `has_period` whether its range can be chosen.

    `projects` are the slugs of those that can; none where there is no choice.
    """

    nav: str
    has_period: bool
    projects: list[str]


async def frame(visit: Visit, *, nav: str, has_period: bool, has_project: bool) -> Frame:
    if not has_project:
        return Frame(nav=nav, has_period=has_period, projects=[])
    slugs, project = await projects.slugs(visit.database, visit.scope), visit.place.project
    known = slugs if project is None or project in slugs else [*slugs, project]
    return Frame(nav=nav, has_period=has_period, projects=known)
