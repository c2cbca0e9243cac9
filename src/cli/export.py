"""`formicary export`: runs and figures as files, without a server."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from .options import database_options, read_settings

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

    from ..db import Database
    from ..resolvers.run_filter import RunFilter

EPILOG = """\b
The filter is that of the dashboard's list of runs: FIELD=VALUE, of several values of a field any may hold.

\b
Examples:
  formicary export runs --range 7d --where status=FAILED failed.csv
  formicary export runs --from 2026-11-01 --to 2026-11-08 --project shop runs.parquet
  formicary export metrics --range 30d --by AGENT --bucket DAY agents.csv
"""


def _options(command: Any) -> Any:
    for option in (
        click.argument("file", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True)),
        click.option("--format", "format_", metavar="FORMAT", help="[default: the ending of FILE]"),
        click.option("--range", "range_", metavar="PRESET", help="15m, 1h, 24h, 7d, 30d or 90d.  [default: 24h]"),
        click.option("--from", "from_", metavar="TIME", help="The start instead, such as 2026-11-01 or …T08:00Z."),
        click.option("--to", metavar="TIME", help="The end.  [default: now]"),
        click.option("--project", metavar="SLUG", help="Of this project alone."),
        click.option("--where", multiple=True, metavar="FIELD=VALUE", help="Narrow the runs; may be repeated."),
        database_options,
    )[::-1]:
        command = option(command)
    return command


@click.group(epilog=EPILOG)
def export() -> None:
    """Write runs or figures to FILE, `-` being standard output."""


@export.command(epilog=EPILOG)
@_options
def runs(file: Path, format_: str | None, **options: Any) -> None:
    """Write runs as csv, ndjson or parquet, in the order in which they started."""
    from ..export.runs import RunFormat, rows

    chosen = RunFormat(_format(file, format_, list(RunFormat)))

    def pieces(database: "Database", where: "RunFilter", _: object) -> AsyncIterator[bytes]:
        return rows(database, None, where, chosen)

    _write(file, pieces, **options)


@export.command(epilog=EPILOG)
@click.option("--by", metavar="DIMENSION", help="AGENT, VERSION, MODEL, PROVIDER, STATUS, ERROR_TYPE, PROJECT …")
@click.option("--bucket", metavar="STEP", help="MINUTE, HOUR, DAY or WEEK.")
@_options
def metrics(file: Path, format_: str | None, by: str | None, bucket: str | None, **options: Any) -> None:
    """Write figures as csv, json or parquet: in all, or a row for each value of a dimension and step of time."""
    from ..export.metrics import MetricsFormat
    from ..export.metrics import file as file_of
    from ..resolvers.figures import question_range
    from ..resolvers.question import Dimension, Question
    from ..resolvers.spans import Bucket

    chosen = MetricsFormat(_format(file, format_, list(MetricsFormat)))
    dimension = Dimension(_one_of("--by", by, list(Dimension))) if by else None
    step = Bucket(_one_of("--bucket", bucket, list(Bucket))) if bucket else None

    async def pieces(database: "Database", where: "RunFilter", now: Any) -> AsyncIterator[bytes]:
        question = Question(question_range(None, where, now), where, by=dimension, bucket=step)
        yield await file_of(database, None, question, chosen)

    _write(file, pieces, **options)


def _write(file: Path, pieces: Any, *, database_url: str | None, data_dir: Path | None, **filters: Any) -> None:
    import asyncio
    from datetime import UTC, datetime

    from ..logs import start_logging
    from .database import open_database

    settings, now = read_settings(database_url=database_url, data_dir=data_dir), datetime.now(UTC)
    start_logging(settings)
    where = _filter(**filters)

    async def run() -> None:
        async with open_database(settings) as database:
            with click.open_file(str(file), "wb") as out:
                await _copy(pieces(database, where, now), out)

    asyncio.run(run())
    if str(file) != "-":
        click.echo(f"Wrote {file} ({file.stat().st_size:,} bytes).", file=sys.stderr)


async def _copy(pieces: AsyncIterator[bytes], out: IO[bytes]) -> None:
    async for piece in pieces:
        out.write(piece)


def _filter(
    *, range_: str | None, from_: str | None, to: str | None, project: str | None, where: tuple[str, ...]
) -> "RunFilter":
    from dataclasses import replace

    from formicary_web.period import Period
    from formicary_web.run_query import parse

    period = Period.of({"range": range_ or "", "from": from_ or "", "to": to or ""})
    return replace(parse(_params(where)), project=project, range=period.time_range)


def _params(where: tuple[str, ...]) -> "QueryParams":
    from starlette.datastructures import QueryParams

    from formicary_web.run_query import FIELDS

    pairs = []
    for condition in where:
        name, equals, value = condition.partition("=")
        if not equals or name not in FIELDS:
            raise click.BadParameter(
                f"{condition!r} is not FIELD=VALUE with a field of {', '.join(FIELDS)}.", param_hint="--where"
            )
        pairs.append((name, value))
    return QueryParams(pairs)


def _format(file: Path, given: str | None, formats: list[Any]) -> str:
    return _one_of("--format", given or file.suffix.removeprefix(".").upper() or "csv", formats)


def _one_of(option: str, text: str | None, choices: list[Any]) -> str:
    """Ignoring case."""
    found = next((str(choice) for choice in choices if choice.lower() == (text or "").lower()), None)
    if found is None:
        raise click.BadParameter(f"{text!r} is none of {', '.join(choices)}.", param_hint=option)
    return found
