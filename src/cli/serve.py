from pathlib import Path

import click

from .options import database_options, read_settings

EPILOG = """\b
One line with the address goes to stdout when the server is ready to answer; the log goes to stderr.
On a loopback address it runs open (without API keys) until a key was made. On any other address it
needs a key: formicary key create --role ADMIN

\b
Examples:
  formicary serve
  formicary serve --demo
  formicary serve --port 0 --data-dir ./data
  DATABASE_URL=postgresql://formicary@db/formicary formicary serve --host 0.0.0.0
"""


@click.command(epilog=EPILOG)
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [env: FORMICARY_HOST; default: 127.0.0.1]")
@click.option(
    "--port",
    metavar="NUMBER",
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes a free one.  [env: FORMICARY_PORT; default: 8765]",
)
@click.option(
    "--open",
    "open_",
    is_flag=True,
    default=None,
    help="Run open on a loopback address even though keys exist.  [env: FORMICARY_OPEN]",
)
@click.option(
    "--worker/--no-worker",
    default=None,
    help="Do the background work in this process too, if no other one does.  [env: FORMICARY_WORKER; default: true]",
)
@click.option("--demo", is_flag=True, help="Record sample data first, as `formicary demo` does.")
@database_options
def serve(
    host: str | None,
    port: int | None,
    open_: bool | None,
    worker: bool | None,
    demo: bool,
    database_url: str | None,
    data_dir: Path | None,
) -> None:
    """Run the server: the GraphQL API, the dashboard and the background work."""
    from ..logs import start_logging
    from .server import run

    settings = read_settings(
        host=host, port=port, open=open_, worker=worker, database_url=database_url, data_dir=data_dir
    )
    start_logging(settings)
    run(settings, demo=demo)
