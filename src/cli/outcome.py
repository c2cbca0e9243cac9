"""How a command ends: quietly, or with one line that says why not."""

import logging
from typing import Any

import click

FAILED = 1


class OutcomeGroup(click.Group):
    """Turns errors that a person can do something about into a line and an exit code, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            from ..errors import FormicaryError

            if not isinstance(error, FormicaryError):
                raise
            logging.getLogger(__name__).debug("the command failed", exc_info=error)
            click.echo(f"formicary: {error.message}", err=True)
            ctx.exit(FAILED)
