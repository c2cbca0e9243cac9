"""How the background work goes."""

from dataclasses import dataclass
from datetime import datetime

from ..db import Database
from ..worker import NAMES

BACKGROUND_JOBS = """
    SELECT n.name, j.last_started_at, j.last_finished_at, j.last_duration_ms, j.last_error, j.next_at
    FROM unnest($1::text[]) WITH ORDINALITY AS n (name, position) LEFT JOIN background_job j ON j.name = n.name
    ORDER BY n.position"""

WORKER = """
    SELECT coalesce((
            SELECT l.expires_at < now() - make_interval(secs => $2) FROM leader l WHERE l.name = 'worker'
        ), true) AS away,
        coalesce(array_agg(j.name ORDER BY j.name) FILTER (WHERE j.last_error IS NOT NULL), '{}') AS failed,
        coalesce(array_agg(j.name ORDER BY j.name) FILTER (
            WHERE greatest(j.next_at, j.last_started_at) < now() - make_interval(secs => $3)
        ), '{}') AS late
    FROM background_job j WHERE j.name = ANY($1::text[])"""

AWAY_SECONDS = 60.0
LATE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class BackgroundJob:
    """A job of the worker, and how it went the last time; all null for one that has not run yet.

    A start after the end is of a run that goes on, or was killed. `last_error` is null after a success.
    """

    name: str
    last_started_at: datetime | None
    last_finished_at: datetime | None
    last_duration_ms: int | None
    last_error: str | None
    next_at: datetime | None


async def background_jobs(db: Database) -> list[BackgroundJob]:
    """Every job there is, in the order in which the worker lists them."""
    return [BackgroundJob(*row) for row in await db.fetch(BACKGROUND_JOBS, list(NAMES))]


async def worker_fault(db: Database) -> str | None:
    """Why the background work does not go well, in a sentence for anybody; None if it does.

    A lease that has expired is forgiven for a minute, in which another process takes over.
    """
    [row] = await db.fetch(WORKER, list(NAMES), AWAY_SECONDS, LATE_SECONDS)
    if row["away"]:
        return "No process does the background work."
    if row["failed"]:
        return f"The last run failed of: {', '.join(row['failed'])}. The reason is in the log."
    if row["late"]:
        return f"Overdue by more than {LATE_SECONDS / 60:g} minutes: {', '.join(row['late'])}."
    return None
