"""API keys on the command line. The one place where a key is ever shown is the stdout of `key create`."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .options import database_options, read_settings

if TYPE_CHECKING:
    from ..config import Settings
    from ..models.api_key import ApiKey

ROLES = ("INGEST", "READ", "ADMIN")

CREATE_EPILOG = """\b
The key alone goes to stdout, everything else to stderr. Only a hash of it is kept.

\b
Examples:
  formicary key create --role ADMIN --name laptop
  KEY=$(formicary key create --role INGEST --project checkout --name ci)
  curl -H "Authorization: Bearer $KEY" …
"""

REVOKE_EPILOG = """\b
Servers that run notice within seconds.

\b
Example:
  formicary key revoke q7Rk2mXa
"""


@click.group()
def key() -> None:
    """Make, list and revoke API keys."""


@key.command(epilog=CREATE_EPILOG)
@click.option(
    "--role",
    required=True,
    type=click.Choice(ROLES, case_sensitive=False),
    help="INGEST records runs, READ reads, ADMIN does everything.",
)
@click.option("--project", "projects", multiple=True, metavar="SLUG", help="Bind the key to this project; repeatable.")
@click.option("--name", default="", help="What the key is for, to tell it from others.")
@database_options
def create(role: str, projects: Sequence[str], name: str, database_url: str | None, data_dir: Path | None) -> None:
    """Make a key and print it, this once."""
    asyncio.run(_create(_settings(database_url, data_dir), role, projects, name))


@key.command("list")
@database_options
def list_(database_url: str | None, data_dir: Path | None) -> None:
    """Show all keys, without the keys themselves."""
    asyncio.run(_list(_settings(database_url, data_dir)))


@key.command(epilog=REVOKE_EPILOG)
@click.argument("key", metavar="PREFIX_OR_ID")
@database_options
def revoke(key: str, database_url: str | None, data_dir: Path | None) -> None:
    """End a key for good."""
    asyncio.run(_revoke(_settings(database_url, data_dir), key))


def _settings(database_url: str | None, data_dir: Path | None) -> "Settings":
    from ..logs import start_logging

    settings = read_settings(database_url=database_url, data_dir=data_dir)
    start_logging(settings)
    return settings


async def _create(settings: "Settings", role: str, projects: Sequence[str], name: str) -> None:
    from ..auth import create_key
    from ..models import Role
    from .database import open_database

    async with open_database(settings) as database:
        made, plain = await create_key(database, role=Role(role), projects=projects, name=name)
    where = f"the project {', '.join(projects)}" if projects else "every project"
    click.echo(f"Key {made.prefix} with the role {role} for {where}. It is not shown again:", err=True)
    click.echo(plain)
    click.echo("Servers that run open go on without keys until they are started anew.", err=True)


async def _list(settings: "Settings") -> None:
    from ..auth import list_keys
    from .database import open_database

    async with open_database(settings) as database:
        keys = await list_keys(database)
        slugs = {row["id"]: row["slug"] for row in await database.fetch("SELECT id, slug FROM project")}
    if not keys:
        click.echo("There is no key yet. Make one: formicary key create --role ADMIN", err=True)
        return
    header = ("ID", "PREFIX", "ROLE", "PROJECTS", "NAME", "CREATED", "LAST USED", "REVOKED")
    for line in aligned([header, *(_row(key, slugs) for key in keys)]):
        click.echo(line)


async def _revoke(settings: "Settings", prefix_or_id: str) -> None:
    from ..auth import revoke_key
    from .database import open_database

    async with open_database(settings) as database:
        revoked = await revoke_key(database, prefix_or_id)
    click.echo(f"Key {revoked.prefix} is revoked.", err=True)


def _row(key: "ApiKey", slugs: dict[int, str]) -> Sequence[str]:
    projects = "all" if key.project_ids is None else ",".join(slugs.get(i, f"#{i}") for i in key.project_ids)
    times = (key.created_at, key.last_used_at, key.revoked_at)
    shown = (f"{time:%Y-%m-%d %H:%MZ}" if time else "-" for time in times)
    return (str(key.id), key.prefix, key.role, projects, key.name or "-", *shown)


def aligned(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
