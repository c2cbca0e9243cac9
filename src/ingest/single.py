"""One new run of a known agent, written by one statement: what most requests of a small client are.

It costs one round trip instead of five. Where it does not apply it writes nothing, and the run goes the way of
a batch (writer.py), whose locks it takes in the same order.
"""

import asyncpg
import msgspec

from ..db import Database
from ..models.run import RunStatus
from . import ledger
from .agent_state import FOLD
from .row import COLUMNS, RunRow

_VALUES = {column: f"${position}" for position, column in enumerate(COLUMNS, 1)}

_ADD_RUN = f"""
        INSERT INTO run ({", ".join(COLUMNS)})
        SELECT {", ".join(_VALUES.values())}"""

# Plain values, not arrays of one: of those PostgreSQL takes a plan for any number and so plans each time anew.
_FOLD = (
    """
    batch AS (
        SELECT
            {agent_id}::bigint AS agent_id,
            coalesce({ended_at}::timestamptz, {started_at}::timestamptz) AS active_at,
            {started_at} AS started_at,
            CASE WHEN {status}::smallint = 2 THEN {started_at} END AS success_at,
            CASE WHEN {status} IN (3, 5) THEN {started_at} END AS error_started_at,
            CASE WHEN {status} IN (3, 5) THEN coalesce({ended_at}, {started_at}) END AS error_at,
            CASE WHEN {status} IN (3, 5) THEN {id}::bigint END AS error_run_id,
            CASE WHEN {status} IN (3, 5) THEN {error_type}::text END AS error_type,
            CASE WHEN {status} IN (3, 5) THEN {error_message}::text END AS error_message,
            {pheromone_score}::float8 AS score,
            CASE WHEN {pheromone_score} IS NOT NULL THEN {started_at} END AS scored_at
        FROM new
    ), failure AS (
        SELECT agent_id, started_at FROM batch WHERE error_started_at IS NOT NULL
    ), version AS (
        SELECT agent_id, {version_id}::bigint AS version_id, active_at AS seen_at FROM batch
    ),""".format(**_VALUES)
    + FOLD.format(late="('late success of agent ' || s.agent_id)::bigint")
)
"""A late success makes the statement fail: it cannot see what other transactions have stored in the meantime."""

_LEDGER = """ledger AS (
        INSERT INTO run_batch ({columns})
        SELECT {id}, {recorded_at}, {started_at}, {started_at}, ARRAY[{agent_id}], ARRAY[{id}], ARRAY[{id}]
        FROM new WHERE {batch_id} IS NOT NULL
    )""".format(columns=", ".join(ledger.COLUMNS), **_VALUES)

ADD_WITH_KEY = f"""
    WITH new AS (
        INSERT INTO run_key (agent_id, external_id, run_id, started_at)
        VALUES ({", ".join(_VALUES[column] for column in ("agent_id", "external_id", "id", "started_at"))})
        ON CONFLICT ON CONSTRAINT run_key_pkey DO NOTHING
        RETURNING agent_id
    ), added AS ({_ADD_RUN} FROM new
    ), {_LEDGER}, {_FOLD}
    SELECT agent_id FROM new"""

ADD_WITHOUT_KEY = f"""
    WITH new AS ({_ADD_RUN} RETURNING agent_id
    ), {_LEDGER}, {_FOLD}
    SELECT agent_id FROM new"""


async def add(db: Database, row: RunRow) -> bool:
    """Whether the run was new and has been committed; if not, nothing was written.

    Where the connection is lost it is tried once more. If the first attempt was committed all the same, a run with
    a key is then found as one that was recorded before, and one without by its id.
    """
    if row.status >= RunStatus.SUCCEEDED:
        row.batch_id = row.id
    statement = ADD_WITHOUT_KEY if row.external_id is None else ADD_WITH_KEY
    try:
        added = await db.write(statement, *msgspec.structs.astuple(row))
    except asyncpg.InvalidTextRepresentationError:  # a late success
        return False
    except asyncpg.UniqueViolationError:
        return True
    return bool(added)
