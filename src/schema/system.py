"""How the whole is doing, in the API."""

from dataclasses import replace
from typing import Any

import strawberry

from ..resolvers import system, system_status
from .context import Info
from .scalars import BigInt, DateTime


async def read_system(info: Info) -> Any:
    return await system_status.system_status(info.context.db, info.context.scope)


async def _jobs(info: Info) -> Any:
    jobs = await system.background_jobs(info.context.db)
    if info.context.scope is None:
        return jobs
    return [replace(job, last_error=None) for job in jobs]


@strawberry.type(description="A job of the background work, and how it went the last time.")
class BackgroundJob:
    name: str = strawberry.field(description="Which job.")
    last_started_at: DateTime | None = strawberry.field(
        description="When it last began; later than `lastFinishedAt` while it is at work. Null before the first time."
    )
    last_finished_at: DateTime | None = strawberry.field(description="When it last ended, well or not.")
    last_duration_ms: float | None = strawberry.field(
        description="How long it took the last time, in whole milliseconds."
    )
    last_error: str | None = strawberry.field(
        description="Why it failed the last time; null if it did well, and for keys that are bound to projects, since "
        "it may tell of others. `SystemStatus.fault` says to all that it failed."
    )
    next_at: DateTime | None = strawberry.field(description="When it is due again.")


@strawberry.type(description="How the whole is doing.")
class SystemStatus:
    version: str = strawberry.field(description="The version of Formicary.")
    database: str = strawberry.field(description="Which database there is, such as `PostgreSQL 18.1 (embedded)`.")
    healthy: bool = strawberry.field(
        description="Whether the background work goes well: some process does it, no job failed the last time, none is "
        "overdue. Without it figures stay right, but become slow."
    )
    fault: str | None = strawberry.field(description="Why it is not healthy; null if it is.")
    queued_runs: BigInt = strawberry.field(description="QUEUED runs in the caller's projects.")
    running_runs: BigInt = strawberry.field(description="RUNNING runs in the caller's projects.")
    agents_working: int = strawberry.field(description="Agents in the caller's projects with a RUNNING run.")
    jobs: list[BackgroundJob] = strawberry.field(resolver=_jobs, description="The jobs of the background work.")
    unfolded_batches: BigInt = strawberry.field(
        description="Recorded batches that the stored figures do not hold yet; figures are read from their runs."
    )
    fold_lag_seconds: float = strawberry.field(description="The age of the oldest of these batches; 0 without any.")
    runs_since: DateTime | None = strawberry.field(
        description="Runs that started before may have been dropped by retention; null where none was."
    )
