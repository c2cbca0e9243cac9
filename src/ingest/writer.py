"""One transaction: who is new (run_key decides), what is merged, COPY, the agents' state, commit.

Locks are taken in one order by everybody (names, keys sorted, runs, agents sorted), so that batches wait for
each other but never in a circle. What is COPYed has been checked, so a batch fails only when the database does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec

from ..db import Connection
from . import agent_state
from .merge import merge
from .pricing import Prices
from .row import COLUMNS, RunRow

ADD_KEYS = """
    INSERT INTO run_key (agent_id, external_id, run_id, started_at)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::timestamptz[])
    ON CONFLICT ON CONSTRAINT run_key_pkey DO NOTHING"""

LOCK_KEYS = """
    SELECT k.agent_id, k.external_id, k.run_id, k.started_at
    FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS n (agent_id, external_id, run_id)
    JOIN run_key k ON k.agent_id = n.agent_id AND k.external_id = n.external_id AND k.run_id <> n.run_id
    ORDER BY k.agent_id, k.external_id
    FOR UPDATE OF k"""

MOVE_KEYS = """
    UPDATE run_key k SET started_at = n.started_at
    FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS n (agent_id, external_id, started_at)
    WHERE k.agent_id = n.agent_id AND k.external_id = n.external_id"""

STORED_RUNS = f"""
    SELECT {", ".join(f"r.{column}" for column in COLUMNS)}
    FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS n (agent_id, id, started_at)
    JOIN run r ON r.agent_id = n.agent_id AND r.id = n.id AND r.started_at = n.started_at"""

REMOVE_RUNS = """
    DELETE FROM run r USING unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS n (agent_id, id, started_at)
    WHERE r.agent_id = n.agent_id AND r.id = n.id AND r.started_at = n.started_at"""


class Outcome(Enum):
    RECORDED = "recorded"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


@dataclass(slots=True)
class Written:
    """For each row that was handed in: what became of it, and the run as it stands after the commit."""

    outcomes: list[Outcome]
    rows: list[RunRow]


@dataclass(slots=True)
class _Run:
    """One run of the batch: as stored before (None: it is new), and as it will be."""

    stored: RunRow | None
    row: RunRow
    positions: list[int] = field(default_factory=list)


async def write(connection: Connection, messages: Sequence[RunRow], prices: Prices) -> Written:
    """Write the messages in their order; to be called inside a transaction."""
    existing = await _existing(connection, messages)
    runs, outcomes = _fold(messages, existing, prices)
    changed = [run for run in runs if run.stored is None or run.row != run.stored]
    await _replace(connection, [run for run in changed if run.stored is not None])
    await _copy(connection, [run.row for run in changed])
    await agent_state.apply(connection, (run.row for run in changed if _counts(run)), corrected=_corrected(changed))
    rows: list[Any] = [None] * len(messages)
    for run in runs:
        for position in run.positions:
            rows[position] = run.row
    return Written(outcomes, rows)


async def _existing(connection: Connection, messages: Sequence[RunRow]) -> dict[tuple[int, str], RunRow | None]:
    """The runs among these that were recorded before, by key, locked; None for one whose row was dropped.

    Every other key is from here on held by this transaction.
    """
    keyed = {(row.agent_id, row.external_id): row for row in reversed(messages) if row.external_id is not None}
    if not keyed:
        return {}
    keys = sorted(keyed)
    agents, externals = [agent for agent, _ in keys], [external for _, external in keys]
    ids = [keyed[key].id for key in keys]
    added = await connection.execute(ADD_KEYS, agents, externals, ids, [keyed[key].started_at for key in keys])
    if added == f"INSERT 0 {len(keys)}":
        return {}
    locked = await connection.fetch(LOCK_KEYS, agents, externals, ids)
    rows = await connection.fetch(
        STORED_RUNS,
        [key["agent_id"] for key in locked],
        [key["run_id"] for key in locked],
        [key["started_at"] for key in locked],
    )
    stored = {row["id"]: RunRow(*row) for row in rows}
    return {(key["agent_id"], key["external_id"]): stored.get(key["run_id"]) for key in locked}


def _fold(
    messages: Sequence[RunRow], existing: dict[tuple[int, str], RunRow | None], prices: Prices
) -> tuple[list[_Run], list[Outcome]]:
    """Merge what is about one run, in the order of the batch."""
    runs: list[_Run] = []
    by_key: dict[tuple[int, str], _Run] = {}
    outcomes = []
    for position, message in enumerate(messages):
        key = None if message.external_id is None else (message.agent_id, message.external_id)
        run = None if key is None else by_key.get(key)
        if run is None:
            run, outcome = _open(message, key, existing, prices)
            runs.append(run)
            if key is not None:
                by_key[key] = run
        else:
            outcome = _merge_into(run, message, prices)
        run.positions.append(position)
        outcomes.append(outcome)
    return runs, outcomes


def _open(
    message: RunRow,
    key: tuple[int, str] | None,
    existing: dict[tuple[int, str], RunRow | None],
    prices: Prices,
) -> tuple[_Run, Outcome]:
    """The first message of the batch about a run."""
    if key is None or key not in existing:
        return _Run(None, message), Outcome.RECORDED
    stored = existing[key]
    if stored is None:  # retention has dropped the run; it is not recorded a second time
        return _Run(message, message), Outcome.UNCHANGED
    run = _Run(stored, stored)
    return run, _merge_into(run, message, prices)


def _merge_into(run: _Run, message: RunRow, prices: Prices) -> Outcome:
    merged = merge(run.row, message, prices)
    if merged == run.row:
        return Outcome.UNCHANGED
    run.row = merged
    return Outcome.UPDATED


async def _replace(connection: Connection, runs: Sequence[_Run]) -> None:
    """Take out the rows that are about to be written anew, in whichever partition they lie."""
    if not runs:
        return
    before = [run.stored for run in runs if run.stored is not None]
    await connection.execute(
        REMOVE_RUNS,
        [row.agent_id for row in before],
        [row.id for row in before],
        [row.started_at for row in before],
    )
    moved = [run.row for run in runs if run.stored is not None and run.row.started_at != run.stored.started_at]
    if moved:
        await connection.execute(
            MOVE_KEYS,
            [row.agent_id for row in moved],
            [row.external_id for row in moved],
            [row.started_at for row in moved],
        )


async def _copy(connection: Connection, rows: Sequence[RunRow]) -> None:
    if rows:
        await connection.copy_records_to_table("run", records=map(msgspec.structs.astuple, rows), columns=COLUMNS)


def _counts(run: _Run) -> bool:
    """Whether the agents' state has yet to learn of the run as it now stands."""
    return run.stored is None or run.stored.status != run.row.status or run.row.status <= 1


def _corrected(runs: Iterable[_Run]) -> set[int]:
    """The agents of runs that were final before and are not the same now."""
    return {run.row.agent_id for run in runs if run.stored is not None and run.stored.status >= 2}
