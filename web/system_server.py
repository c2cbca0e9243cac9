"""What runs here, and how it is set, without anything secret."""

import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import get_args
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from formicary.config import Settings
from formicary.db import Database, PoolUse

from .panels import Panel
from .visit import Visit


@dataclass(frozen=True, slots=True)
class Setting:
    """`variable` is the environment's that sets it; `is_default` whether nobody did."""

    variable: str
    value: str
    description: str
    is_default: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerContext:
    """`settings` is None for a key that is bound to projects, and so is `where`, the host and name of the database."""

    formicary: str
    python: str
    where: str | None
    pool: PoolUse
    settings: list[Setting] | None


async def read(visit: Visit) -> ServerContext:
    is_bound = visit.scope is not None
    return ServerContext(
        formicary=version("formicary"),
        python=platform.python_version(),
        where=None if is_bound else where_is(visit.database),
        pool=visit.database.pool_use,
        settings=None if is_bound else shown(visit.settings),
    )


def where_is(database: Database) -> str:
    """Host and name, whatever else the address of the database holds."""
    parts = urlsplit(database.dsn)
    name = unquote(parts.path.lstrip("/")) or "its default database"
    return f"embedded, {name}" if database.is_embedded else f"{parts.hostname or 'local socket'}, {name}"


def shown(settings: Settings) -> list[Setting]:
    """All but the secret ones, which are those of the type SecretStr."""
    return [
        Setting(
            variable=f"FORMICARY_{name.upper()}",
            value=str(getattr(settings, name)),
            description=field.description or "",
            is_default=getattr(settings, name) == field.default,
        )
        for name, field in type(settings).model_fields.items()
        if not _is_secret(field)
    ]


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *get_args(field.annotation))


SERVER = Panel(name="server", template="system_server.html", read=read)
