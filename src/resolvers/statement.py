"""A statement in the making: its conditions as text, its values as parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .scope import Scope


@dataclass(slots=True)
class Statement:
    """Collects `WHERE` conditions and numbers their parameters."""

    args: list[object] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)

    def arg(self, value: object) -> str:
        """Add a parameter; gives its placeholder."""
        self.args.append(value)
        return f"${len(self.args)}"

    def arg_once(self, value: object) -> str:
        """The same of a long value: all parts of the statement that need this very object share its placeholder."""
        shared = (number for number, arg in enumerate(self.args, start=1) if arg is value)
        number = next(shared, None)
        return self.arg(value) if number is None else f"${number}"

    def where(self, condition: str, *values: object) -> None:
        """Add a condition in which each `{}` stands for the next value."""
        self.conditions.append(condition.format(*(self.arg(value) for value in values)))

    def one_of(self, column: str, values: Sequence[object], cast: str) -> None:
        """Keep rows whose column is one of the values; `=` for a single one, since only that keeps index order."""
        if len(values) == 1:
            self.where(f"{column} = {{}}::{cast}", values[0])
        else:
            self.where(f"{column} = ANY({{}}::{cast}[])", list(values))

    def within(self, column: str, scope: Scope) -> None:
        """Keep what lies in the projects of the scope."""
        if scope is not None:
            self.one_of(column, sorted(scope), "bigint")

    @property
    def where_clause(self) -> str:
        return "WHERE " + " AND ".join(self.conditions) if self.conditions else ""
