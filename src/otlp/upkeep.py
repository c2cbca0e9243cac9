"""Background work at kept spans: those that have waited for too long are released, old ones let go."""

from datetime import datetime, timedelta

from ..db import Database
from ..ingest.recorder import Recorder
from . import span_state
from .batch import Refusals
from .revision import Revision
from .trace import read_trace

MOST_TRACES = 200
"""So many traces are released at a time."""


async def release(recorder: Recorder, now: datetime, wait: timedelta) -> bool:
    """Record the runs of traces whose spans have waited in vain for their parents; gives whether there may be more.

    Such a span then counts as the first of its trace. Should its parent come later, the runs are put right.
    """
    revision = Revision(now, Refusals())
    async with recorder.transaction() as recording:
        overdue = await span_state.lock_overdue(recording.connection, now - wait, MOST_TRACES)
        for key, kept in overdue.items():
            before, after = (read_trace(kept.spans.values(), released=released) for released in (False, True))
            revision.go_on(key, before, after, is_rest=kept.is_rest)
        rest = await revision.record(recording)
        if not overdue:
            return False
        await span_state.release(recording.connection, overdue)
        if rest:
            await span_state.mark_rest(recording.connection, rest)
    return len(overdue) == MOST_TRACES


async def let_go(db: Database, now: datetime, *, kept: timedelta, most_spans: int) -> None:
    """Drop what nobody waits for any more, and the oldest where there is too much. Its runs have been recorded."""
    await span_state.drop_old(db, now, kept)
    await span_state.drop_most(db, most_spans)
