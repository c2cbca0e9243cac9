"""What the resolvers of one request have at hand."""

from datetime import UTC, datetime
from typing import TypeAlias

import strawberry

from ..auth import Principal
from ..db import Database
from ..ingest.recorder import Recorder
from ..resolvers.loaders import Loaders
from ..resolvers.scope import Scope
from ..rollups.pheromone_formula import DEFAULT_FORMULA, Formula


class Context:
    """One a request: who asks, and through what."""

    __slots__ = ("_loaders", "_now", "db", "formula", "principal", "recorder")

    def __init__(
        self, db: Database, recorder: Recorder, principal: Principal, formula: Formula = DEFAULT_FORMULA
    ) -> None:
        self.db = db
        self.recorder = recorder
        self.principal = principal
        self.formula = formula
        self._loaders: Loaders | None = None
        self._now: datetime | None = None

    @property
    def scope(self) -> Scope:
        return self.principal.project_ids

    @property
    def now(self) -> datetime:
        """The moment to which all of the request refers: when it was first asked for, so after a mutation."""
        if self._now is None:
            self._now = datetime.now(UTC)
        return self._now

    @property
    def loaders(self) -> Loaders:
        if self._loaders is None:
            self._loaders = Loaders(self.db, self.scope)
        return self._loaders


Info: TypeAlias = strawberry.Info[Context, None]
