"""One transaction: who is new (run_key decides), what is merged, COPY, the ledger, the agents' state, commit.

Locks are taken in one order by everybody (names, keys sorted, runs, stale marks sorted, agents sorted), so that
batches wait for each other but never in a circle. What is COPYed has been checked, so a batch fails only when the
database does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import repeat
from typing import TypeAlias

import msgspec
from asyncpg import Record

from ..db import Connection
from . import agent_state, ledger
from .merge import merge, replace
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

# `run_id` is of no run, so that no key is left out.
LOCK_WITHDRAWN = LOCK_KEYS.replace("$3::bigint[]", "array_fill(0::bigint, ARRAY[cardinality($1)])")

REMOVE_KEYS = """
    DELETE FROM run_key k USING unnest($1::bigint[], $2::text[]) AS n (agent_id, external_id)
    WHERE k.agent_id = n.agent_id AND k.external_id = n.external_id"""

REMOVE_RUNS = """
    DELETE FROM run r USING unnest($1::bigint[], $2::bigint[], $3::timestamptz[]) AS n (agent_id, id, started_at)
    WHERE r.agent_id = n.agent_id AND r.id = n.id AND r.started_at = n.started_at"""


class Outcome(Enum):
    RECORDED = "recorded"
    UPDATED = "updated"
    UNCHANGED = "unchanged"


class Says(Enum):
    """What a message says of a run that was recorded before: more of it, all there is to say, or nothing at all."""

    MORE = "more"
    ALL = "all"
    NOTHING = "nothing"


Key: TypeAlias = tuple[int, str]
"""Agent id and external id."""


@dataclass(slots=True)
class Written:
    """For each row that was handed in: what became of it, and the run as it stands after the commit.

    No row: retention has dropped the run, and it is not recorded a second time.
    """

    outcomes: list[Outcome]
    rows: Sequence[RunRow | None]


@dataclass(slots=True)
class _Run:
    """One run of the batch: as it will be, as it was stored (None: it is new), and where its key says it lies."""

    row: RunRow | None
    stored: RunRow | None
    keyed_at: datetime
    positions: list[int] = field(default_factory=list)


async def write(
    connection: Connection,
    messages: Sequence[RunRow],
    prices: Prices,
    *,
    says: Sequence[Says] = (),
    withdrawn: Sequence[Key] = (),
) -> Written:
    """Write the messages in their order, and take back runs; to be called inside a transaction.

    `says` goes with the messages (without it all of them say MORE). Runs that are `withdrawn` have never been.
    """
    keyed = {(row.agent_id, row.external_id): row for row in reversed(messages) if row.external_id is not None}
    existing = await _existing(connection, keyed)
    gone = await _withdraw(connection, withdrawn)
    if not existing and not gone and len(keyed) == sum(row.external_id is not None for row in messages):
        return await _add(connection, messages)
    runs, outcomes = _fold(messages, existing, prices, says or [Says.MORE] * len(messages))
    await _leave_history(connection, runs, outcomes)
    changed = [(run, run.row) for run in runs if run.row is not None and run.row != run.stored]
    entry = _entry((*messages, *gone)[0], changed, gone)
    await _remove(connection, [*(run.stored for run, _ in changed if run.stored is not None), *gone])
    await _copy(connection, [row for _, row in changed])
    await _move_keys(connection, [row for run, row in changed if row.started_at != run.keyed_at])
    await entry.write(connection)
    await agent_state.apply(connection, ((run.stored, row) for run, row in changed), gone)
    rows: list[RunRow | None] = [None] * len(messages)
    for run in runs:
        for position in run.positions:
            rows[position] = run.row
    return Written(outcomes, rows)


async def _add(connection: Connection, rows: Sequence[RunRow]) -> Written:
    """Nothing is to be merged where every row is a new run of its own, as in most batches."""
    if not rows:
        return Written([], [])
    entry = ledger.Entry(rows[0])
    entry.add_new(rows)
    await _copy(connection, rows)
    await entry.write(connection)
    await agent_state.apply(connection, zip(repeat(None), rows))
    return Written([Outcome.RECORDED] * len(rows), rows)


async def _existing(connection: Connection, keyed: dict[Key, RunRow]) -> dict[Key, RunRow | None]:
    """The runs among these that were recorded before, by key, locked; None for one whose row was dropped.

    Every other key is from here on held by this transaction.
    """
    if not keyed:
        return {}
    keys = sorted(keyed)
    agents, externals = [agent for agent, _ in keys], [external for _, external in keys]
    ids = [keyed[key].id for key in keys]
    added = await connection.execute(ADD_KEYS, agents, externals, ids, [keyed[key].started_at for key in keys])
    if added == f"INSERT 0 {len(keys)}":
        return {}
    return await _stored(connection, await connection.fetch(LOCK_KEYS, agents, externals, ids))


async def _stored(connection: Connection, locked: Sequence[Record]) -> dict[Key, RunRow | None]:
    rows = await connection.fetch(
        STORED_RUNS,
        [key["agent_id"] for key in locked],
        [key["run_id"] for key in locked],
        [key["started_at"] for key in locked],
    )
    stored = {row["id"]: RunRow(*row) for row in rows}
    return {(key["agent_id"], key["external_id"]): stored.get(key["run_id"]) for key in locked}


async def _withdraw(connection: Connection, keys: Sequence[Key]) -> list[RunRow]:
    """Take the keys out, and give the runs that are to go; what is history stays."""
    if not keys:
        return []
    locked = await connection.fetch(LOCK_WITHDRAWN, *_columns(sorted(keys)))
    stored = await _stored(connection, locked)
    since = await ledger.horizon(connection)
    gone = {key: row for key, row in stored.items() if row is not None and row.started_at >= since}
    await connection.execute(REMOVE_KEYS, *_columns(gone))
    return list(gone.values())


def _columns(keys: Iterable[Key]) -> tuple[list[int], list[str]]:
    pairs = list(keys)
    return [agent for agent, _ in pairs], [external for _, external in pairs]


def _fold(
    messages: Sequence[RunRow], existing: dict[Key, RunRow | None], prices: Prices, says: Sequence[Says]
) -> tuple[list[_Run], list[Outcome]]:
    """Merge what is about one run, in the order of the batch."""
    runs: list[_Run] = []
    by_key: dict[Key, _Run] = {}
    outcomes = []
    for position, message in enumerate(messages):
        key = None if message.external_id is None else (message.agent_id, message.external_id)
        run = None if key is None else by_key.get(key)
        if run is not None:
            outcome = _merge_into(run, message, prices, says[position])
        elif key in existing:
            run, outcome = _known(existing[key], message, prices, says[position])
        else:
            run, outcome = _Run(message, None, message.started_at), Outcome.RECORDED
        if not run.positions:
            runs.append(run)
            if key is not None:
                by_key[key] = run
        run.positions.append(position)
        outcomes.append(outcome)
    return runs, outcomes


def _known(stored: RunRow | None, message: RunRow, prices: Prices, says: Says) -> tuple[_Run, Outcome]:
    """A run that was recorded before."""
    run = _Run(stored, stored, message.started_at if stored is None else stored.started_at)
    return run, _merge_into(run, message, prices, says)


def _merge_into(run: _Run, message: RunRow, prices: Prices, says: Says) -> Outcome:
    if run.row is None or says is Says.NOTHING:
        return Outcome.UNCHANGED
    merged = replace(run.row, message) if says is Says.ALL else merge(run.row, message, prices)
    if merged == run.row:
        return Outcome.UNCHANGED
    run.row = merged
    return Outcome.UPDATED


async def _leave_history(connection: Connection, runs: list[_Run], outcomes: list[Outcome]) -> None:
    """Leave final runs as they are where retention has begun: what the tiers hold of then cannot be made anew."""
    corrected = [run for run in runs if run.row is not None and ledger.corrects(run.stored, run.row)]
    if not corrected:
        return
    since = await ledger.horizon(connection)
    for run in corrected:
        if run.stored is not None and run.stored.started_at < since:
            run.row = run.stored
            for position in run.positions:
                outcomes[position] = Outcome.UNCHANGED


def _entry(first: RunRow, changed: list[tuple[_Run, RunRow]], gone: Iterable[RunRow]) -> ledger.Entry:
    """The ledger's row of the batch; tells the runs that are in it."""
    entry = ledger.Entry(first)
    entry.add_new(row for run, row in changed if run.stored is None)
    for run, row in changed:
        if run.stored is not None:
            entry.add_changed(run.stored, row)
    for row in gone:
        entry.add_withdrawn(row)
    return entry


async def _remove(connection: Connection, rows: Sequence[RunRow]) -> None:
    """Take out the rows that are about to be written anew, in whichever partition they lie."""
    if rows:
        await connection.execute(
            REMOVE_RUNS, [row.agent_id for row in rows], [row.id for row in rows], [row.started_at for row in rows]
        )


async def _copy(connection: Connection, rows: Sequence[RunRow]) -> None:
    if rows:
        await connection.copy_records_to_table("run", records=map(msgspec.structs.astuple, rows), columns=COLUMNS)


async def _move_keys(connection: Connection, rows: Sequence[RunRow]) -> None:
    if rows:
        await connection.execute(
            MOVE_KEYS,
            [row.agent_id for row in rows],
            [row.external_id for row in rows],
            [row.started_at for row in rows],
        )
