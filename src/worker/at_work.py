from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ..db import Database
from .job import Job
from .journal import Journal
from .leader import HEARTBEAT_SECONDS, Leader
from .loop import Loop
from .pace import Every


@asynccontextmanager
async def at_work(db: Database, jobs: Sequence[Job]) -> AsyncIterator[None]:
    """Stand for election while the block lasts, and do the jobs while elected."""
    leader, journal = Leader(db), Journal(db.limited(1))
    election = Loop(Job("the election of who does the background work", leader.renew, Every(HEARTBEAT_SECONDS)))
    loops = [election, *(Loop(job, leader=leader, journal=journal) for job in jobs)]
    for loop in loops:
        loop.start()
    try:
        yield
    finally:
        for loop in loops:
            await loop.stop()
        await leader.resign()
