"""How the whole is doing: the database, what waits and what runs, and how far the stored figures lag behind."""

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from ..db import Database
from ..rollups.fold import LAG
from .scope import Scope
from .spans import EVERYTHING_SINCE
from .system import worker_fault

STATUS = f"""
    SELECT split_part(current_setting('server_version'), ' ', 1), w.queued, w.running, w.working,
        l.batches, coalesce(l.seconds, 0), (SELECT h.runs_since FROM run_horizon h)
    FROM (
        SELECT count(*) FILTER (WHERE r.status = 0) AS queued, count(*) FILTER (WHERE r.status = 1) AS running,
            count(DISTINCT r.agent_id) FILTER (WHERE r.status = 1) AS working
        FROM run r WHERE r.status IN (0, 1) AND ($1::bigint[] IS NULL OR r.project_id = ANY($1))
    ) w
    CROSS JOIN ({LAG}) l"""


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """`fault` is None where the background work goes well, which is what `healthy` means of a database that answers.

    Runs from before `runs_since` may have been dropped; None says that none were.
    """

    version: str
    database: str
    fault: str | None
    queued_runs: int
    running_runs: int
    agents_working: int
    unfolded_batches: int
    fold_lag_seconds: float
    runs_since: datetime | None

    @property
    def healthy(self) -> bool:
        return self.fault is None


async def system_status(db: Database, scope: Scope) -> SystemStatus:
    """Runs and agents are those in the scope; the rest concerns everybody."""
    [row] = await db.fetch(STATUS, None if scope is None else sorted(scope))
    server, queued, running, working, batches, lag, since = row
    return SystemStatus(
        version=version("formicary"),
        database=f"PostgreSQL {server} (embedded)" if db.is_embedded else f"PostgreSQL {server}",
        fault=await worker_fault(db),
        queued_runs=queued,
        running_runs=running,
        agents_working=working,
        unfolded_batches=batches,
        fold_lag_seconds=lag,
        runs_since=since if since > EVERYTHING_SINCE else None,
    )
