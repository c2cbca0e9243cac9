"""The ledger's row of a batch: which final runs it leaves behind that no tier holds yet (see models/rollup.py).

A run that becomes final is only added: to the hours by the fold, and until then to every figure by who reads. Where a
final run no longer says what it said, its hour is marked as stale as well, for the hour may hold it as it was.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TypeAlias

from ..db import Connection
from ..models.rollup import Tier
from ..models.run import RunStatus
from ..rollups.cells import READ
from .row import RunRow

COLUMNS = ("id", "recorded_at", "started_from", "started_to", "agent_ids", "first_ids", "last_ids")

ADD = f"INSERT INTO run_batch ({', '.join(COLUMNS)}) VALUES ($1, $2, $3, $4, $5, $6, $7)"

# A worker that is about to make the hour anew deletes its mark first. An update waits for it, and it for the update;
# DO NOTHING would take a mark for granted that is on its way out.
MARK = """
    INSERT INTO rollup_stale (tier, owner_id, starts_at)
    SELECT m.tier, m.owner_id, m.starts_at
    FROM unnest($1::smallint[], $2::bigint[], $3::timestamptz[]) AS m (tier, owner_id, starts_at)
    ORDER BY m.tier, m.owner_id, m.starts_at
    ON CONFLICT ON CONSTRAINT rollup_stale_pkey DO UPDATE SET starts_at = excluded.starts_at"""

# Keeps retention from dropping what is being corrected: it locks runs first as well, then moves the horizon. The lock
# is that of the rows which are written next; after the horizon it could be one that retention already holds.
LOCK_RUNS = "LOCK TABLE run IN ROW EXCLUSIVE MODE"
HORIZON = "SELECT runs_since FROM run_horizon"

Mark: TypeAlias = tuple[int, int, datetime]
"""Tier, owner and start of what is stale."""

_FINAL = int(RunStatus.SUCCEEDED)

told = attrgetter(*(column for column in READ if column not in {"agent_id", "id", "batch_id"}))
"""All of a run that a tier holds in any form."""


def corrects(stored: RunRow | None, row: RunRow) -> bool:
    """Whether a tier that holds the run holds it wrongly from now on."""
    return stored is not None and stored.status >= _FINAL and bool(told(stored) != told(row))


async def horizon(connection: Connection) -> datetime:
    """From when on all runs are kept, until the transaction ends."""
    await connection.execute(LOCK_RUNS)
    since: datetime = await connection.fetchval(HORIZON)
    return since


class Entry:
    """The row that is being written, and the marks that go with it.

    New runs of one agent take one place in the arrays. A run that was stored before takes one of its own, unless its id
    lies between theirs and so is found there.
    """

    __slots__ = ("_first", "_from", "_id", "_last", "_marks", "_recorded_at", "_stored", "_to")

    def __init__(self, first: RunRow) -> None:
        """`first` is the batch's first row: no other batch has its id."""
        self._id = first.id
        self._recorded_at = first.recorded_at
        self._from = datetime.max.replace(tzinfo=UTC)
        self._to = datetime.min.replace(tzinfo=UTC)
        self._first: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._stored: list[tuple[int, int]] = []
        self._marks: set[Mark] = set()

    def add_new(self, rows: Iterable[RunRow]) -> None:
        """Enter the final ones; each is told the batch it belongs to."""
        batch, first, last = self._id, self._first, self._last
        started_from, started_to = self._from, self._to
        for row in rows:
            if row.status < _FINAL:
                continue
            row.batch_id = batch
            agent, run, started_at = row.agent_id, row.id, row.started_at
            if run > last.setdefault(agent, run):
                last[agent] = run
            if run < first.setdefault(agent, run):
                first[agent] = run
            if started_at < started_from:
                started_from = started_at
            if started_at > started_to:
                started_to = started_at
        self._from, self._to = started_from, started_to

    def add_changed(self, stored: RunRow, row: RunRow) -> None:
        """Enter a run that is stored, if it has become final or is corrected."""
        corrected = corrects(stored, row)
        if corrected:
            self._marks.update(_marks(stored))
        if row.status < _FINAL or (stored.status >= _FINAL and not corrected):
            return
        row.batch_id = self._id
        self._stored.append((row.agent_id, row.id))
        self._from, self._to = min(self._from, row.started_at), max(self._to, row.started_at)

    def add_withdrawn(self, stored: RunRow) -> None:
        """Enter a run that is taken back: only what may hold it is marked."""
        if stored.status >= _FINAL:
            self._marks.update(_marks(stored))

    async def write(self, connection: Connection) -> None:
        if self._first or self._stored:
            await connection.execute(ADD, self._id, self._recorded_at, self._from, self._to, *self._places())
        if self._marks:
            await connection.execute(MARK, *map(list, zip(*self._marks, strict=True)))

    def _places(self) -> tuple[list[int], list[int], list[int]]:
        stored = [place for place in self._stored if not self._covers(*place)]
        agents, runs = [agent for agent, _ in stored], [run for _, run in stored]
        return [*self._first, *agents], [*self._first.values(), *runs], [*self._last.values(), *runs]

    def _covers(self, agent: int, run: int) -> bool:
        return agent in self._first and self._first[agent] <= run <= self._last[agent]


def _marks(row: RunRow) -> list[Mark]:
    """What may hold the run."""
    hour = _hour(row.started_at)
    day = hour.replace(hour=0)
    return [
        (Tier.HOUR, row.agent_id, hour),
        (Tier.DAY, row.agent_id, day),
        (Tier.PROJECT_HOUR, row.project_id, hour),
        (Tier.PROJECT_DAY, row.project_id, day),
        (Tier.PHEROMONE, row.agent_id, hour),
    ]


def _hour(at: datetime) -> datetime:
    at = at.astimezone(UTC)
    return at - timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond)
