"""The most frequent errors of a range, grouped by fingerprint (see rollups/fingerprint.py) and type.

They are read as figures are (see figure_sql.py): from cells, and from runs where these hold none yet.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from ..db import Database
from ..rollups.fingerprint import ERRED, FINGERPRINT, MESSAGE
from .page import PageArgs
from .parts import Parts
from .question import Dimension, Question
from .ranges import ResolvedRange
from .reading import Reading, reading
from .run_filter import RunFilter
from .scope import Scope
from .spans import Bucket


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors of one kind. `message` and the run are of the one whose run started last, `*_at` are starts of runs.

    `fingerprint` and `type` together are the kind (see `RunFilter.fingerprint`).
    """

    message: str
    type: str | None
    count: int
    first_at: datetime
    last_at: datetime
    agent_id: int
    run_id: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class WhichErrors:
    """The `first` kinds of error, by how often they occurred, of all runs or of each agent or version."""

    range: ResolvedRange
    where: RunFilter
    first: int
    by: Dimension | None = None


OF_RUNS = (
    f"r.agent_id, coalesce(r.error_type, ''), {FINGERPRINT}, {MESSAGE}, 1::bigint, r.started_at, r.started_at, r.id"
)
OF_CELLS = "c.agent_id, c.error_type, c.fingerprint, c.message, c.runs::bigint, c.first_at, c.last_at, c.last_run_id"

FREQUENT = """
WITH e (key, agent_id, error_type, fingerprint, message, runs, first_at, last_at, last_run_id) AS MATERIALIZED ({parts}
), kind AS (
    SELECT e.key, e.fingerprint, e.error_type,
        sum(e.runs)::bigint AS runs, min(e.first_at) AS first_at, max(e.last_at) AS last_at
    FROM e GROUP BY 1, 2, 3
), placed AS (
    SELECT kind.*, row_number() OVER (
        PARTITION BY key ORDER BY runs DESC, last_at DESC, fingerprint, error_type) AS place
    FROM kind
)
SELECT DISTINCT ON (k.key, k.place)
    k.key, e.message, nullif(k.error_type, ''), k.runs, k.first_at, k.last_at, e.agent_id, e.last_run_id, k.fingerprint
FROM placed k
JOIN e ON e.key = k.key AND e.fingerprint = k.fingerprint AND e.error_type = k.error_type AND e.last_at = k.last_at
WHERE k.place <= {first}
ORDER BY k.key, k.place, e.last_run_id DESC"""

NUMBER = """
SELECT coalesce(sum(e.runs), 0)::bigint
FROM ({parts}
) e (key, agent_id, error_type, fingerprint, message, runs, first_at, last_at, last_run_id)
WHERE e.fingerprint = ANY({fingerprints}::text[])"""


async def frequent(db: Database, scope: Scope, which: WhichErrors) -> list[ErrorGroup]:
    """Of all runs in the scope. Raises HorizonError for what takes runs that have been dropped."""
    return (await _read(db, scope, which, None)).get(0, [])


async def frequent_of(db: Database, scope: Scope, which: WhichErrors, owners: list[int]) -> list[list[ErrorGroup]]:
    """Of each of some agents or versions, all by one statement. Raises HorizonError as `frequent` does."""
    found = await _read(db, scope, which, tuple(owners))
    return [found.get(owner, []) for owner in owners]


async def fingerprint(db: Database, message: str) -> str:
    """The kind of error that a message tells of."""
    return str(await db.fetchval(f"SELECT {FINGERPRINT} FROM (SELECT $1::text AS error_message) r", message))


async def count(db: Database, scope: Scope, range_: ResolvedRange, where: RunFilter) -> int:
    """How many errors are of the kinds that the filter names. Raises HorizonError as `frequent` does."""
    question = Question(range_, replace(where, fingerprint=None), bucket=Bucket.HOUR)
    async with reading(db, scope, question) as found:
        if found.is_nothing:
            return 0
        parts = _parts(found)
        fingerprints = parts.statement.arg(list(where.fingerprint or ()))
        sql = NUMBER.format(parts=parts.union(), fingerprints=fingerprints)
        return int(await found.connection.fetchval(sql, *parts.statement.args))


async def _read(
    db: Database, scope: Scope, which: WhichErrors, owners: tuple[int, ...] | None
) -> dict[int, list[ErrorGroup]]:
    size = PageArgs(first=which.first).size
    question = Question(which.range, which.where, by=which.by, bucket=Bucket.HOUR, owners=owners)
    groups: dict[int, list[ErrorGroup]] = {}
    async with reading(db, scope, question) as found:
        if not found.is_nothing:
            sql, args = _sql(found, size)
            for key, *group in await found.connection.fetch(sql, *args):
                groups.setdefault(key, []).append(ErrorGroup(*group))
    return groups


def _sql(reading: Reading, first: int) -> tuple[str, list[object]]:
    """The statement and its parameters. Its rows: the key, and the fields of `ErrorGroup` in order."""
    parts = _parts(reading)
    return FREQUENT.format(parts=parts.union(), first=parts.statement.arg(first)), parts.statement.args


def _parts(reading: Reading) -> Parts:
    """The errors, in several rows a kind: the key, and the columns of OF_RUNS."""
    parts = Parts(reading.where, reading.question.by)
    parts.add_hours(reading.spans, "error_hour", OF_CELLS, OF_RUNS, runs=f" AND {ERRED}")
    return parts
