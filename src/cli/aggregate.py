"""`formicary aggregate`: stored figures made anew."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import database_options, read_settings

if TYPE_CHECKING:
    from ..db import Database
    from ..resolvers.ranges import ResolvedRange

EPILOG = """\b
Figures are kept up to date by themselves; this is for who does not trust them, or has changed runs in the
database. An instant is a date or a date with a time, of UTC unless it says otherwise. All hours that the
range touches are made anew, and their days; hours of which retention has dropped runs stay as they are.

\b
Examples:
  formicary aggregate --from 2026-11-01
  formicary aggregate --from 2026-11-01T08:00 --to 2026-11-01T10:00 --agent planner
"""


class Instant(click.ParamType[datetime]):
    name = "instant"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            moment = datetime.fromisoformat(str(value))
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not an instant such as 2026-11-01 or 2026-11-01T08:00Z.", param, ctx)


@click.command(epilog=EPILOG)
@click.option("--from", "from_", type=Instant(), required=True, help="The start.")
@click.option("--to", type=Instant(), help="The end.  [default: now]")
@click.option("--agent", metavar="NAME", help="Of this agent alone.")
@click.option("--project", default="default", show_default=True, metavar="SLUG", help="The agent's project.")
@database_options
def aggregate(
    from_: datetime,
    to: datetime | None,
    agent: str | None,
    project: str,
    database_url: str | None,
    data_dir: Path | None,
) -> None:
    """Make stored figures anew from the runs, exactly."""
    import asyncio

    from ..logs import start_logging
    from ..resolvers.ranges import TimeRange, resolve
    from .database import open_database

    settings = read_settings(database_url=database_url, data_dir=data_dir)
    start_logging(settings)
    range_ = resolve(TimeRange(from_=from_, to=to))

    async def run() -> None:
        async with open_database(settings) as database:
            click.echo(await _aggregate(database, range_, project, agent))

    asyncio.run(run())


async def _aggregate(database: "Database", range_: "ResolvedRange", project: str, name: str | None) -> str:
    """What was done, in a line. Raises NotFoundError for an agent that is not known."""
    from ..errors import NotFoundError
    from ..resolvers import agents
    from ..resolvers.aggregations import make_anew

    agent = None if name is None else await agents.by_name(database, None, project, name)
    if name is not None and agent is None:
        raise NotFoundError(f"there is no agent {name!r} in the project {project!r}")
    made = await make_anew(database, range_, None if agent is None else agent.id)
    span = f"{made.from_:%Y-%m-%d %H:%M} to {made.to:%Y-%m-%d %H:%M} UTC"
    return f"Made anew from {span}: {made.buckets} cells in {made.duration_ms:.0f} ms."
