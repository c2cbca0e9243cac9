"""The flags that several commands share, and the settings that come of flags and environment."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..config import Settings

Command = TypeVar("Command", bound=Callable[..., Any])

DATABASE_OPTIONS = (
    click.option(
        "--database-url",
        metavar="URL",
        help="Any PostgreSQL from 15 on, postgresql://user@host/name. Without it an embedded one is used. "
        "A password is better kept in the environment.  [env: DATABASE_URL]",
    ),
    click.option(
        "--data-dir",
        metavar="DIRECTORY",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where the embedded PostgreSQL keeps its data.  "
        "[env: FORMICARY_DATA_DIR; default: ~/.local/share/formicary]",
    ),
)


def database_options(command: Command) -> Command:
    for option in reversed(DATABASE_OPTIONS):
        command = option(command)
    return command


def read_settings(**flags: object) -> "Settings":
    """The settings: flags that were given, else the environment, else defaults.

    Raises ConfigurationError, naming the setting but not its value, which may be secret.
    """
    from pydantic import ValidationError

    from ..config import Settings
    from ..errors import ConfigurationError

    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = (f"{_source(str(fault['loc'][0]))}: {fault['msg']}" for fault in error.errors())
        raise ConfigurationError("; ".join(problems)) from None


def _source(field: str) -> str:
    name = field.upper()
    variable = name if name == "DATABASE_URL" else name if name.startswith("FORMICARY_") else f"FORMICARY_{name}"
    return f"the setting {variable} is not valid"
