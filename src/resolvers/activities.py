"""What happened last: runs as short sentences about their agents."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..db import Database
from ..models.run import RunStatus
from . import run_page
from .page import PageArgs
from .run_filter import RunFilter
from .runs import NEWEST_FIRST, Run
from .scope import Scope

ACTIONS = {
    RunStatus.QUEUED: "was queued",
    RunStatus.RUNNING: "started",
    RunStatus.SUCCEEDED: "completed",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "was cancelled",
    RunStatus.TIMED_OUT: "timed out",
}
"""What an agent did, by the status of its run."""


@dataclass(frozen=True, slots=True)
class Activity:
    """A run, as something that its agent did."""

    run: Run

    @property
    def action(self) -> str:
        return ACTIONS[self.run.status]

    @property
    def status(self) -> RunStatus:
        return self.run.status

    @property
    def at(self) -> datetime:
        return self.run.started_at

    @property
    def duration_ms(self) -> int | None:
        return self.run.duration_ms

    @property
    def cost(self) -> Decimal | None:
        return self.run.cost


async def recent(db: Database, scope: Scope, first: int, where: RunFilter) -> list[Activity]:
    """Of the runs that a filter leaves, those that started last, the newest first."""
    page = await run_page.page(db, scope, PageArgs(first=first), where, NEWEST_FIRST)
    return [Activity(run) for run in page.items]
