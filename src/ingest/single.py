"""One new run of a known agent, written by one statement: what most requests of a small client are.

It costs one round trip instead of five. Where it does not apply it writes nothing, and the run goes the way of
a batch (writer.py), whose locks it takes in the same order.
"""

import asyncpg
import msgspec

from ..db import Database
from .agent_state import APPLY_TO, parameters_of
from .row import COLUMNS, RunRow

_FIRST = 17
_VALUES = {column: f"${position}" for position, column in enumerate(COLUMNS, _FIRST)}

_ADD_RUN = f"""
    INSERT INTO run ({", ".join(COLUMNS)})
    SELECT {", ".join(_VALUES.values())}"""

ADD_WITH_KEY = f"""
    WITH key AS (
        INSERT INTO run_key (agent_id, external_id, run_id, started_at)
        VALUES ({", ".join(_VALUES[column] for column in ("agent_id", "external_id", "id", "started_at"))})
        ON CONFLICT ON CONSTRAINT run_key_pkey DO NOTHING
        RETURNING agent_id
    ), added AS ({_ADD_RUN} FROM key
    ), {APPLY_TO.format(new="key")}
    SELECT agent_id FROM key"""

ADD_WITHOUT_KEY = f"""
    WITH added AS ({_ADD_RUN} RETURNING agent_id
    ), {APPLY_TO.format(new="added")}
    SELECT agent_id FROM added"""


async def add(db: Database, row: RunRow) -> bool:
    """Whether the run was new and has been committed; if not, nothing was written.

    Where the connection is lost it is tried once more. If the first attempt was committed all the same, a run with
    a key is then found as one that was recorded before, and one without by its id.
    """
    statement = ADD_WITHOUT_KEY if row.external_id is None else ADD_WITH_KEY
    try:
        added = await db.fetch(statement, *parameters_of(row), *msgspec.structs.astuple(row))
    except asyncpg.InvalidTextRepresentationError:  # a late success
        return False
    except asyncpg.UniqueViolationError:
        return True
    return bool(added)
