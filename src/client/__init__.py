"""The recorder that agent code uses: a `with` block, or a decorator, around each run.

    agent -> Run -> Backlog | Packer -> Outbox (in memory, or a Spool on disk) -> Sender -> Endpoint -> POST /graphql

Left of the bar is all that is done in the agent's own thread: a run's facts are put on a queue. Threads in the
background, one that packs and two that send, do the rest. Nothing here imports the server or anything beyond Python's
standard library, and nothing raises into the agent.
"""

from .counts import Counts
from .facts import Facts, RunKey
from .recorder import Recorder
from .run import Run, current_run

__all__ = ["Counts", "Facts", "Recorder", "Run", "RunKey", "current_run"]
