"""Recording a batch of run inputs, from check to commit."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg

from ..db import Database
from ..errors import Problem
from . import single
from .check import problems
from .pricing import Prices
from .recording import Accepted, Recording, named, row_of
from .registry import Registry
from .row import RunRow, encode_metadata
from .run_ids import RunIds
from .run_input import RunInput
from .turns import Turns
from .writer import Outcome, Written

Scope: TypeAlias = frozenset[int] | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input that was not recorded: its place in the batch, and why."""

    index: int
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a batch: `recorded + updated + unchanged + len(rejected) == received`.

    `rows` are the runs as they stand after the commit, in the order of the inputs; None for rejected ones and for
    those that were recorded and then dropped by retention.
    """

    received: int
    recorded: int
    updated: int
    unchanged: int
    rejected: list[Rejected]
    rows: list[RunRow | None]


LARGE_BATCH = 2_000
LARGE_AT_ONCE = 2
"""So many large batches keep two cores busy; more would only hold more rows in memory (12 MB each of 10,000 runs)."""


class Recorder:
    """Records batches. Holds what this process remembers between them: names, prices, a block of run ids."""

    def __init__(self, db: Database, *, patience: float = 5.0) -> None:
        self._db = db
        self._registry = Registry()
        self._ids = RunIds()
        self._slugs: dict[frozenset[int], frozenset[str]] = {}
        self._large = Turns(LARGE_AT_ONCE, patience=patience)
        self.prices = Prices()

    async def record(self, runs: Sequence[RunInput], scope: Scope = None) -> Recorded:
        """Record a batch in one transaction; what is returned has been committed.

        `scope` are the projects that the caller may write to (None: all). Raises UnavailableError when the
        database is away, OverloadedError when other large batches have not ended within `patience` seconds; nothing
        of the batch is then acknowledged, and it may be sent again.
        """
        if len(runs) <= LARGE_BATCH:
            return await self._record(runs, scope)
        async with self._large.take():
            return await self._record(runs, scope)

    async def _record(self, runs: Sequence[RunInput], scope: Scope) -> Recorded:
        now = datetime.now(UTC)
        accepted, rejected = _check(runs, now)
        await self.prices.refresh(self._db)
        slugs = None if scope is None else await self.slugs_of(scope)
        accepted = _permitted(accepted, rejected, slugs)
        written = await self._written(accepted, now) if accepted else Written([], [])
        return _recorded(runs, accepted, rejected, written)

    async def slugs_of(self, scope: frozenset[int]) -> frozenset[str]:
        """A slug never changes, so it is asked for once."""
        if scope not in self._slugs:
            rows = await self._db.fetch("SELECT slug FROM project WHERE id = ANY($1::bigint[])", sorted(scope))
            self._slugs[scope] = frozenset(row["slug"] for row in rows)
        return self._slugs[scope]

    async def _written(self, accepted: list[Accepted], now: datetime) -> Written:
        """Once more where a run was on its way into the default partition while its own one was made."""
        try:
            return await self._write(accepted, now)
        except asyncpg.CheckViolationError:
            return await self._write(accepted, now)

    async def _write(self, accepted: list[Accepted], now: datetime) -> Written:
        if len(accepted) == 1 and (row := await self._added(accepted[0], now)) is not None:
            return Written([Outcome.RECORDED], [row])
        async with self.transaction() as recording:
            return await recording.write(accepted, now)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Recording]:
        """A transaction for recording runs and whatever goes with them."""
        await self.prices.refresh(self._db)
        async with self._db.transaction() as connection:
            recording = Recording(self._registry, self._ids, self.prices, connection=connection)
            yield recording
        if recording.names is not None:
            self._registry.remember(recording.names)

    async def _added(self, item: Accepted, now: datetime) -> RunRow | None:
        """The run, if it could be added by one statement."""
        names, id_ = self._registry.recall(*named([item])), self._ids.take_one()
        if names is None or id_ is None:
            return None
        row = row_of(item, id_, names, self.prices, now)
        return row if await single.add(self._db, row) else None


def _check(runs: Sequence[RunInput], now: datetime) -> tuple[list[Accepted], list[Rejected]]:
    accepted, rejected = [], []
    for index, run in enumerate(runs):
        faults = problems(run, now)
        metadata = encode_metadata(run.metadata)
        if isinstance(metadata, Problem):
            faults.append(metadata)
        if faults:
            rejected.append(Rejected(index, faults))
        else:
            accepted.append(Accepted(index, run, metadata if isinstance(metadata, str) else None))
    return accepted, rejected


def _permitted(accepted: list[Accepted], rejected: list[Rejected], slugs: frozenset[str] | None) -> list[Accepted]:
    """Those whose projects are allowed; the others join the rejected."""
    if slugs is None:
        return accepted
    allowed = []
    for item in accepted:
        faults = [
            Problem(path, "FORBIDDEN", f"this API key does not reach the project {project!r}.")
            for path, project in _projects(item.run)
            if project not in slugs
        ]
        if faults:
            rejected.append(Rejected(item.at, faults))
        else:
            allowed.append(item)
    rejected.sort(key=lambda item: item.index)
    return allowed


def _projects(run: RunInput) -> list[tuple[str, str]]:
    own = [("project", run.project)]
    return own if run.parent is None else [*own, ("parent.project", run.parent.project)]


def _recorded(
    runs: Sequence[RunInput], accepted: list[Accepted], rejected: list[Rejected], written: Written
) -> Recorded:
    rows: list[RunRow | None] = [None] * len(runs)
    for item, row in zip(accepted, written.rows, strict=True):
        rows[item.at] = row
    return Recorded(
        received=len(runs),
        recorded=written.outcomes.count(Outcome.RECORDED),
        updated=written.outcomes.count(Outcome.UPDATED),
        unchanged=written.outcomes.count(Outcome.UNCHANGED),
        rejected=rejected,
        rows=rows,
    )
