"""The jobs of the background work, and how each went the last time."""

from dataclasses import dataclass

from formicary.resolvers import system
from formicary.resolvers.system import BackgroundJob

from .panels import Panel
from .visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsContext:
    """`shows_errors` is whether the visitor may read them: they may tell of any project."""

    jobs: list[BackgroundJob]
    shows_errors: bool


async def read(visit: Visit) -> JobsContext:
    return JobsContext(jobs=await system.background_jobs(visit.database), shows_errors=visit.scope is None)


JOBS = Panel(name="jobs", template="system_jobs.html", read=read)
