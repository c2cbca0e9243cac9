from pathlib import Path

import click

from .options import database_options, read_settings

EPILOG = """\b
`formicary serve` does this by itself; the command is for doing it at a time of your choosing.

\b
Example:
  DATABASE_URL=postgresql://formicary@db/formicary formicary migrate
"""


@click.command(epilog=EPILOG)
@database_options
def migrate(database_url: str | None, data_dir: Path | None) -> None:
    """Bring the database up to this version's schema."""
    import asyncio

    from ..logs import start_logging
    from .database import describe, open_database

    settings = read_settings(database_url=database_url, data_dir=data_dir)
    start_logging(settings)

    async def run() -> None:
        async with open_database(settings):
            click.echo(f"The database is up to date: {describe(settings)}", err=True)

    asyncio.run(run())
