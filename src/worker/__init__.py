"""Background work: jobs, the loops that run them, and the election of the one process that does.

A job does its work once when it is called, and loops have `run_once`; tests call those, so no test sleeps.
Jobs must come out right even where two processes run them at the same time: the election only spares the work.
"""

from .at_work import at_work
from .job import Job
from .jobs import NAMES, jobs
from .journal import Journal
from .last_run import LastRun
from .leader import Leader
from .loop import Loop
from .pace import Every, Midnight, Sparing

__all__ = ["NAMES", "Every", "Job", "Journal", "LastRun", "Leader", "Loop", "Midnight", "Sparing", "at_work", "jobs"]
