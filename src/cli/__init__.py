"""The command line.

Commands import what they need when they run, so that `formicary --help` is there at once. A FormicaryError
becomes one line on stderr and exit code 1; wrong usage is exit code 2.
"""

import click

from .aggregate import aggregate
from .demo import demo
from .export import export
from .import_ import import_
from .key import key
from .migrate import migrate
from .otlp import otlp
from .outcome import OutcomeGroup
from .pheromone import pheromone
from .schema import schema
from .serve import serve
from .worker import worker

EPILOG = """\b
Settings come from flags, else from environment variables (DATABASE_URL, FORMICARY_HOST, …).
Exit codes: 0 done, 1 failed, 2 wrong usage.

\b
Examples:
  formicary serve                         a server with its own database
  formicary serve --demo                  the same with sample data, to try it out
  formicary key create --role INGEST      a key for what records runs
"""


@click.group(cls=OutcomeGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="formicary", message="%(prog)s %(version)s")
def main() -> None:
    """Record what LLM agents do, and see how well they do it."""


for command in (serve, worker, demo, aggregate, export, import_, otlp, pheromone, migrate, key, schema):
    main.add_command(command)
