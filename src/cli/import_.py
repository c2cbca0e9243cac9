"""`formicary import`: runs from files."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

import click

from .options import database_options, read_settings
from .outcome import FAILED

if TYPE_CHECKING:
    from ..config import Settings
    from ..importing.loading import Found, Loaded, RecordBatch

EPILOG = """\b
Files are JSON lines, a JSON array or CSV, also with gzip; - is standard input. The format formicary is that of
the API's RunInput and of `formicary export runs`. Of Langfuse import observations, of Phoenix spans: agents
among them become runs, with the tokens of the model calls within.

\b
A file may be imported again: runs that are there already count as unchanged. To go on after an interruption
without reading all again, --from-line takes the line that was told. What is not recorded is written to
FILE.rejected.jsonl, with the reason; it is then exit code 1.

\b
Examples:
  formicary import runs.jsonl
  formicary import --format langfuse observations.jsonl.gz --project shop
  formicary import --dry-run runs.csv
  zstdcat runs.jsonl.zst | formicary import -
"""
STANDARD_INPUT = Path("-")


@click.command("import", epilog=EPILOG)
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE…",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["formicary", "langfuse", "phoenix"]),
    default="formicary",
    show_default=True,
    help="Whose file it is.",
)
@click.option("--project", metavar="SLUG", help="Of runs that name none.  [default: default]")
@click.option("--from-line", type=click.IntRange(1), default=1, metavar="N", help="Begin with this line.")
@click.option("--dry-run", is_flag=True, help="Only say what would be recorded.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write here what is not recorded.  [default: FILE.rejected.jsonl]",
)
@database_options
def import_(files: tuple[Path, ...], database_url: str | None, data_dir: Path | None, **options: Any) -> None:
    """Record the runs of FILE…, or of traces that another tool has exported."""
    from ..logs import start_logging

    if options["from_line"] > 1 and (len(files) > 1 or options["format_"] != "formicary"):
        raise click.UsageError("--from-line goes with one file of the format formicary.")
    settings = read_settings(database_url=database_url, data_dir=data_dir)
    start_logging(settings)

    async def run() -> int:
        async with _recording(settings, dry_run=options["dry_run"]) as record:
            return sum([(await _import(file, record, **options)).rejected for file in files])

    if asyncio.run(run()):
        click.get_current_context().exit(FAILED)


@asynccontextmanager
async def _recording(settings: "Settings", *, dry_run: bool) -> "AsyncIterator[RecordBatch]":
    """What batches are given to; for a dry run there need be no database."""
    if dry_run:
        from ..importing.loading import check_only

        yield check_only
        return
    from ..ingest.recorder import Recorder
    from .database import open_database

    async with open_database(settings) as database:
        yield Recorder(database).record


async def _import(
    file: Path,
    record: "RecordBatch",
    *,
    format_: str,
    project: str | None,
    from_line: int,
    dry_run: bool,
    rejects: Path | None,
) -> "Loaded":
    from ..errors import FormicaryError
    from ..importing.loading import Format, find, load

    done = from_line - 1
    with click.open_file(str(file), "rb") as source, _Rejects(rejects or _beside(file)) as rejected, _bar(file) as bar:

        def show(line: int | None) -> None:
            nonlocal done
            done = line or done
            bar.update(source.tell() - bar.pos if source.seekable() else 0)

        try:
            found = find(source, Format(format_), project=project, from_line=from_line)
            loaded = await load(found, record, reject=rejected.write, progress=show)
        except FormicaryError as error:
            _tell_how_to_go_on(done)
            raise type(error)(f"{file}: {error.message}") from error
        except asyncio.CancelledError:
            _tell_how_to_go_on(done)
            raise
    click.echo(f"{file}: {'would be ' if dry_run else ''}{_told(loaded, rejected.path)}.")
    return loaded


def _bar(file: Path) -> Any:
    """By bytes; of standard input nobody knows how many."""
    size = 0 if str(file) == "-" else file.stat().st_size
    return click.progressbar(length=size, label=f"Importing {file}", file=sys.stderr, hidden=not size)


def _beside(file: Path) -> Path:
    return Path("import.rejected.jsonl") if str(file) == "-" else file.with_name(f"{file.name}.rejected.jsonl")


def _tell_how_to_go_on(done: int) -> None:
    if done:
        click.echo(f"All up to line {done:,} is dealt with; go on with --from-line {done + 1}.", err=True)


def _told(loaded: "Loaded", rejects: Path) -> str:
    parts = [f"{loaded.recorded:,} recorded", f"{loaded.updated:,} updated", f"{loaded.unchanged:,} unchanged"]
    if loaded.rejected:
        parts.append(f"{loaded.rejected:,} rejected (see {rejects})")
    return ", ".join(parts)


class _Rejects:
    """A file of JSON lines with what was not recorded, and why; it is not made before there is something for it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, found: "Found") -> None:
        import msgspec

        if self._file is None:
            self._file = self.path.open("wb")
        record = found.run if found.values is None else found.values
        entry = {"line": found.line, "reason": found.fault, "record": record}
        self._file.write(msgspec.json.encode(entry, enc_hook=str) + b"\n")
