"""`formicary otlp explain`: which runs a recorded body of traces makes, and why."""

from typing import BinaryIO

import click

EXPLAIN_EPILOG = """\b
FILE holds one body as it was posted to /v1/traces, in protobuf or JSON, compressed with gzip or not; - is stdin.
Nothing is recorded, and no database is needed. docs/opentelemetry.md has the rules.

\b
Example:
  formicary otlp explain body.bin
"""


@click.group()
def otlp() -> None:
    """See what becomes of traces that come by OpenTelemetry."""


@otlp.command(epilog=EXPLAIN_EPILOG)
@click.argument("file", type=click.File("rb"))
def explain(file: BinaryIO) -> None:
    """Show the spans of a body, the runs that they make, and where each value is from."""
    from datetime import UTC, datetime

    from ..otlp.explain import explain as lines_of

    for line in lines_of(_unzipped(file.read()), datetime.now(UTC)):
        click.echo(line)


def _unzipped(body: bytes) -> bytes:
    """Raises BadInputError for gzip that is cut off or damaged."""
    import gzip
    import zlib

    from ..errors import BadInputError

    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInputError(f"the file is not valid gzip: {error}") from None
