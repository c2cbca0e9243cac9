"""Whether all is well, what waits and runs now, and what gets done."""

from dataclasses import dataclass
from datetime import timedelta

from formicary.resolvers import figures, system_status
from formicary.resolvers.metrics import Metrics
from formicary.resolvers.question import Question
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.system_status import SystemStatus

from .panels import Panel
from .visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadContext:
    """The figures are of all visible runs of the last hour and day."""

    status: SystemStatus
    hour: Metrics
    day: Metrics


async def read(visit: Visit) -> LoadContext:
    return LoadContext(
        status=await system_status.system_status(visit.database, visit.scope),
        hour=await _figures(visit, timedelta(hours=1)),
        day=await _figures(visit, timedelta(days=1)),
    )


def title(context: LoadContext) -> str:
    return "System" if context.status.healthy else "(!) System"


async def _figures(visit: Visit, last: timedelta) -> Metrics:
    question = Question(ResolvedRange(visit.now - last, visit.now), RunFilter())
    return (await figures.read(visit.database, visit.scope, question)).metrics()


LOAD = Panel(name="load", template="system_load.html", read=read, title=title)
