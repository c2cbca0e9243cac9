"""`formicary worker`: the background work without a server."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import database_options, read_settings

if TYPE_CHECKING:
    from ..config import Settings

EPILOG = """\b
`formicary serve` does the background work by itself, unless it is told --no-worker; this command is for
giving it a process of its own. Of all servers and workers on one database only one does the work at a
time; when it stops another takes over within seconds, when it is killed within 15.
One line with the jobs goes to stdout once they are looked after; the log goes to stderr.
How long runs and figures are kept is set by FORMICARY_RUNS_KEPT and FORMICARY_AGGREGATES_KEPT.

\b
Example:
  DATABASE_URL=postgresql://formicary@db/formicary formicary worker
"""


@click.command(epilog=EPILOG)
@database_options
def worker(database_url: str | None, data_dir: Path | None) -> None:
    """Do the background work until SIGINT or SIGTERM, without serving."""
    from ..logs import start_logging
    from .event_loop import run_until_told

    settings = read_settings(database_url=database_url, data_dir=data_dir)
    start_logging(settings)
    run_until_told(_work(settings))


async def _work(settings: "Settings") -> None:
    import asyncio

    from ..worker import NAMES, at_work, jobs
    from .database import open_database

    async with open_database(settings) as database, at_work(database, jobs(database, settings)):
        click.echo(f"Formicary looks after: {', '.join(NAMES)}")
        await asyncio.Event().wait()
