"""Everything that is known of one run."""

from dataclasses import dataclass
from typing import Any

import msgspec

from formicary.resolvers import error_groups, run_total
from formicary.resolvers.ranges import TimeRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.runs import Run

from .panels import Panel
from .run_rows import RunRow
from .run_timing import Event, Phase, events, phases
from .visit import Visit
from .visited_run import visited_run


@dataclass(frozen=True, slots=True)
class Alike:
    """The runs of the page's period that failed of the same cause: their list and how many they are."""

    href: str
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """`metadata` are its facts by name, those that are no text or number as JSON."""

    row: RunRow
    project: str
    phases: list[Phase]
    events: list[Event]
    alike: Alike | None
    metadata: dict[str, str]


async def read(visit: Visit) -> RunContext:
    visited = await visited_run(visit, visit.loaders())
    run = visited.run
    return RunContext(
        row=visited.row,
        project=visited.project,
        phases=phases(run, visit.now),
        events=events(run),
        alike=await _alike(visit, run),
        metadata={name: _written(value) for name, value in run.metadata.items()},
    )


async def _alike(visit: Visit, run: Run) -> Alike | None:
    if not run.status.is_failure or (run.error_type is None and run.error_message is None):
        return None
    kind = await error_groups.fingerprint(visit.database, run.error_message or "")
    type_, range_ = run.error_type or "", visit.range
    where = RunFilter(
        project=visit.place.project,
        fingerprint=(kind,),
        error_type=(type_,),
        range=TimeRange(from_=range_.from_, to=range_.to),
    )
    total = await run_total.total(visit.database, visit.scope, where)
    return Alike(visit.place.runs(fingerprint=kind, error_type=type_), total.runs)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


RUN = Panel(name="run", template="run_details.html", read=read)
