"""Making stored figures on demand: whatever is waiting, or a range anew."""

from datetime import UTC, datetime, timedelta

from ..db import Database
from ..models.rollup import Tier
from .cells import HOUR_OF_RUN
from .fold import fold
from .lock import fold_transaction
from .recompute import HORIZON, recompute, recompute_within
from .roll import roll
from .stale import mark, marks_of_hours

HOUR = timedelta(hours=1)

MARK = mark(
    marks_of_hours(
        f"""
        SELECT r.agent_id, r.project_id, r.starts_at FROM (
            SELECT DISTINCT r.agent_id, r.project_id, {HOUR_OF_RUN} AS starts_at
            FROM run r WHERE r.started_at >= $1 AND r.started_at < $2 AND r.status >= 2
            AND ($3::bigint IS NULL OR r.agent_id = $3)
        ) r
        UNION SELECT c.agent_id, a.project_id, c.starts_at FROM run_hour c JOIN agent a ON a.id = c.agent_id
        WHERE c.starts_at >= $1 AND c.starts_at < $2 AND ($3::bigint IS NULL OR c.agent_id = $3)""",
        tuple(Tier),
    )
)

MADE = """
    SELECT count(*) FROM run_day
    WHERE starts_at >= $1 AND starts_at < $2 AND ($3::bigint IS NULL OR agent_id = $3)"""


async def settle(db: Database, now: datetime) -> None:
    """Go on until nothing is left that can be done by `now`."""
    for step in (fold, recompute):
        while await step(db):
            pass
    while await roll(db, now):
        pass


async def aggregate(db: Database, from_: datetime, to: datetime, agent_id: int | None = None) -> int:
    """Make the hours that [from_, to) touches anew from their runs, and their days from these, of an agent or of all.

    Hours before the horizon stay as they are: their runs may be gone. Gives how many cells of agents were made, of
    hours and of those days that are over.
    """
    while await fold(db):
        pass
    from_, to = _hour(from_), -(-(to - _EPOCH) // HOUR) * HOUR + _EPOCH
    async with fold_transaction(db) as connection:
        from_ = max(from_, await connection.fetchval(HORIZON))
        await connection.execute(MARK, from_, to, agent_id)
    cells = 0
    while (turn := await recompute_within(db, from_, to, agent_id)).hours:
        cells += turn.cells
    while await roll(db, datetime.now(UTC)):
        pass
    return cells + int(await db.fetchval(MADE, _hour(from_).replace(hour=0), to, agent_id))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
