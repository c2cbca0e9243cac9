"""Sample data on the command line, for `formicary demo` and `formicary serve --demo`."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import database_options, read_settings

if TYPE_CHECKING:
    from ..config import Settings
    from ..db import Database

EPILOG = """\b
Two weeks of runs of 8 agents in the projects shop and engineering, up to now: a version that gets worse and
worse, an outage of a provider, a cost spike. The same seed gives the same data. A database that holds sample
data keeps what it has; for data up to now, take an empty one.

\b
Examples:
  formicary demo --data-dir ./data
  formicary serve --demo
"""


@click.command(epilog=EPILOG)
@click.option("--seed", type=int, help="Another number gives other data of the same kind.  [default: 1]")
@database_options
def demo(seed: int | None, database_url: str | None, data_dir: Path | None) -> None:
    """Record sample data to try Formicary out."""
    from ..logs import start_logging
    from .database import open_database

    settings = read_settings(database_url=database_url, data_dir=data_dir)
    start_logging(settings)

    async def run() -> None:
        async with open_database(settings) as database:
            await record_sample(database, settings, seed)

    asyncio.run(run())


async def record_sample(database: "Database", settings: "Settings", seed: int | None = None) -> None:
    """Record the sample data with a progress bar on a terminal, and say in one line what was done."""
    from ..demo import SEED, load
    from ..rollups import pheromone

    with click.progressbar(length=1, label="Recording sample data", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.length = total
            bar.update(done - bar.pos)

        loaded = await load(database, seed=SEED if seed is None else seed, progress=show)
    await pheromone.update(database, settings, loaded.until)
    until = f"{loaded.until:%Y-%m-%d %H:%MZ}"
    if loaded.recorded:
        click.echo(f"Recorded {loaded.recorded:,} sample runs up to {until} (seed {loaded.seed}).", err=True)
    else:
        click.echo(f"The sample data up to {until} (seed {loaded.seed}) is there already.", err=True)
