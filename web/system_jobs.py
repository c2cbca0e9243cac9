"""The jobs of the background work, and how each went the last time."""

from dataclasses import dataclass

from formicary.resolvers import system
from formicary.resolvers.system import BackgroundJob

from .panels import Panel
from .visit import Visit

PURPOSES = {
    "fold": "adds new runs to the stored figures",
    "stale hours": "makes hours anew of which a run was changed",
    "day tier": "sums hours up to days",
    "daily aggregation": "makes the day that has ended anew, at midnight UTC",
    "pheromone": "computes the scores of agents",
    "waiting spans": "records what came without the span around it",
    "kept spans": "lets go of spans that nothing is added to any more",
    "partition upkeep": "makes tables for the weeks ahead",
    "retention": "drops runs and figures older than is kept",
}
"""By the name of a job, what it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobsContext:
    """`shows_errors` is whether the visitor may read them: they may tell of any project."""

    jobs: list[BackgroundJob]
    purposes: dict[str, str]
    shows_errors: bool


async def read(visit: Visit) -> JobsContext:
    jobs = await system.background_jobs(visit.database)
    return JobsContext(jobs=jobs, purposes=PURPOSES, shows_errors=visit.scope is None)


JOBS = Panel(name="jobs", template="system_jobs.html", read=read)
