from datetime import datetime, timedelta

from ..db import Database
from .last_run import LastRun

LAST = "SELECT last_started_at, last_finished_at, last_duration_ms, last_error FROM background_job WHERE name = $1"

BEGIN = """
    INSERT INTO background_job (name, last_started_at) VALUES ($1, $2)
    ON CONFLICT ON CONSTRAINT background_job_pkey DO UPDATE SET last_started_at = excluded.last_started_at"""

END = """
    INSERT INTO background_job (name, last_started_at, last_finished_at, last_duration_ms, last_error, next_at)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT ON CONSTRAINT background_job_pkey DO UPDATE SET
        last_started_at = excluded.last_started_at,
        last_finished_at = excluded.last_finished_at,
        last_duration_ms = excluded.last_duration_ms,
        last_error = excluded.last_error,
        next_at = excluded.next_at"""


class Journal:
    """How each job went the last time, for every process to see."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def last(self, name: str) -> LastRun | None:
        row = await self._db.fetchrow(LAST, name)
        if row is None or row["last_started_at"] is None:
            return None
        began, ended = row["last_started_at"], row["last_finished_at"]
        if ended is None or ended < began:
            return LastRun(began, None, None)
        return LastRun(began, row["last_duration_ms"], row["last_error"])

    async def begin(self, name: str, started_at: datetime) -> None:
        await self._db.write(BEGIN, name, started_at)

    async def end(self, name: str, last: LastRun, next_at: datetime) -> None:
        """Note a run that has ended, well or not."""
        duration_ms = last.duration_ms or 0
        finished_at = last.started_at + timedelta(milliseconds=duration_ms)
        await self._db.write(END, name, last.started_at, finished_at, duration_ms, last.error, next_at)
