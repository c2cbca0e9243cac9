"""How alembic compares a database with the models: without partitions, which come and go with the weeks."""

from typing import Any, Literal

from sqlalchemy import Column, Text
from sqlalchemy.types import TypeEngine
from sqlmodel.sql.sqltypes import AutoString

PARTITION_PREFIX = "run_"


def include_object(thing: Any, _name: str | None, type_: str, reflected: bool, _compared_to: Any) -> bool:
    """False for a partition (`run_default`, `run_20260105`) and all that belongs to it."""
    table = thing if type_ == "table" else getattr(thing, "table", None)
    return not (reflected and table is not None and is_partition(table.name))


def is_partition(table: str) -> bool:
    suffix = table.removeprefix(PARTITION_PREFIX)
    return suffix != table and (suffix == "default" or suffix.isdigit())


def is_other_type(
    _context: Any,
    _inspected: Column[Any],
    _column: Column[Any],
    stored: TypeEngine[Any],
    wanted: TypeEngine[Any],
) -> bool | None:
    """A SQLModel `str` is kept as `text`; None leaves every other pair to alembic."""
    return False if isinstance(wanted, AutoString) and isinstance(stored, Text) else None


def render_type(kind: str, thing: Any, _context: Any) -> str | Literal[False]:
    return "sa.Text()" if kind == "type" and isinstance(thing, AutoString) else False
