"""When the fold is due: at once while little comes in, after some seconds where much does.

A turn costs less by its runs than by the cells and sums that it adds to, and where much comes in each turn adds to
nearly all of them. So a few large turns take less than many small ones; who reads counts what waits meanwhile.
"""

from ..db import Database
from .fold import fold

PATIENCE_SECONDS = 3
FEW_PLACES = 500
"""An agent in a batch is a place: so many are folded in some milliseconds."""

# The clocks of several machines may differ: nothing waits for a time that is still far off.
DUE = f"""
    SELECT sum(cardinality(b.agent_ids)) < {FEW_PLACES}
        OR min(b.recorded_at) < now() - interval '{PATIENCE_SECONDS} seconds'
        OR max(b.recorded_at) > now() + interval '{PATIENCE_SECONDS} seconds'
    FROM run_batch b"""


async def fold_if_due(db: Database) -> bool:
    """Take one turn if it is time; gives whether more is waiting that need not wait."""
    return bool(await db.fetchval(DUE)) and await fold(db)
