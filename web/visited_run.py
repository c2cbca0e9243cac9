"""The run that a page is about, as its address names it."""

from dataclasses import dataclass

from formicary.errors import NotFoundError
from formicary.resolvers.loaders import Loaders
from formicary.resolvers.runs import Run

from .run_rows import RunRow, rows
from .visit import Visit
from .visited_agent import MOST_ID


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitedRun:
    """`row` is the run with its agent and version, `project` the slug of the project that it belongs to."""

    row: RunRow
    project: str

    @property
    def run(self) -> Run:
        return self.row.run


async def visited_run(visit: Visit, loaders: Loaders) -> VisitedRun:
    """Raises NotFoundError where the visitor may see no such run, or none in the project of the address."""
    key = visit.request.path_params["agent_id"], visit.request.path_params["run_id"]
    run = await loaders.run.load(key) if max(key) <= MOST_ID else None
    project = await loaders.project.load(run.project_id) if run else None
    if run is None or project is None:
        raise NotFoundError("There is no such run: it was never recorded, has been dropped, or you may not see it.")
    if visit.place.project not in {None, project.slug}:
        raise NotFoundError(f"This run is not of the project {visit.place.project!r}.")
    (row,) = await rows(loaders, [run])
    return VisitedRun(row=row, project=project.slug)
