"""Figures of all time: what `run_total` holds, which neither retention nor expiry changes, and what it lacks.

That is the runs in the ledger, those that are not finished, and of stale hours the difference between their runs and
the cells that were made of them. It is one statement, so whatever was committed before is in it, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ..db import Database
from ..models.agent import FIRST_PHEROMONE_SCORE
from ..models.rollup import Tier
from ..rollups.cells import HOUR_OF_RUN, OF_RUNS, held
from .figure_sql import LEDGER, RUNS_OF_HOURS, fresh, sums
from .layers import AGENTS, RUNS
from .metrics import NOTHING, Metrics, Sums
from .parts import Parts
from .question import Dimension
from .ranges import ResolvedRange
from .run_filter import Choice, RunFilter, resolve_names
from .scope import Scope
from .spans import EVERYTHING_SINCE

NOT_TOTALLED = {"scored_runs": "0", "score": "0", "min_duration_ms": "NULL::bigint", "max_duration_ms": "NULL::bigint"}
"""What `run_total` does not hold, and what stands for it."""

HELD = ", ".join(NOT_TOTALLED.get(column, f"c.{column}") for column in OF_RUNS)
TAKEN_BACK = ", ".join(NOT_TOTALLED.get(column, f"-{held(column)}") for column in OF_RUNS)
ADDED = ", ".join(NOT_TOTALLED.get(column, sql) for column, sql in OF_RUNS.items())

CELLS_OF_HOURS = "rollup_stale h JOIN run_hour c ON c.agent_id = h.owner_id AND c.starts_at = h.starts_at"

EVER = f"""
WITH c (key, status, {", ".join(OF_RUNS)}) AS ({{parts}}
)
SELECT c.key, {", ".join(sums())} FROM c GROUP BY 1"""

AVERAGE_SCORE = f"""
    SELECT avg(coalesce(s.pheromone_score, {FIRST_PHEROMONE_SCORE}))
    FROM agent a JOIN project p ON p.id = a.project_id LEFT JOIN agent_state s ON s.agent_id = a.id
    WHERE ($1::bigint[] IS NULL OR a.project_id = ANY($1)) AND ($2::text IS NULL OR p.slug = $2)"""


@dataclass(frozen=True)
class Lifetime(Metrics):
    """The figures of all runs that ever started, with everything that `Metrics` says of them.

    The least and greatest duration and what takes more than sums are not known. `average_pheromone` is of the agents'
    scores at this moment.
    """

    @property
    def taken_at(self) -> datetime:
        return self.range.to

    @property
    def average_ms(self) -> float | None:
        return None if self.latency is None else self.latency.average_ms


async def of_all(db: Database, scope: Scope, now: datetime, project: str | None = None) -> Lifetime:
    """Of all agents in the scope, or those of one project."""
    return (await _read(db, scope, now, RunFilter(project=project))).get(0) or _lifetime(now, NOTHING)


async def of_owners(db: Database, scope: Scope, now: datetime, by: Dimension, owners: Sequence[int]) -> list[Lifetime]:
    """Of each of some agents or versions, in the order of their ids."""
    found = await _read(db, scope, now, RunFilter(), by, owners)
    return [found.get(owner) or _lifetime(now, NOTHING) for owner in owners]


async def average_score(db: Database, scope: Scope, project: str | None = None) -> float | None:
    """The mean of the agents' pheromone scores, each counting the same; None where there is no agent."""
    projects = None if scope is None else sorted(scope)
    score: float | None = await db.fetchval(AVERAGE_SCORE, projects, project)
    return score


async def _read(
    db: Database,
    scope: Scope,
    now: datetime,
    which: RunFilter,
    by: Dimension | None = None,
    owners: Sequence[int] | None = None,
) -> dict[int, Lifetime]:
    where = await resolve_names(db, scope, which)
    if owners is not None and by is not None:
        where = replace(where, choices=[Choice(f"r.{by.lower()}_id", owners, "bigint"), *where.choices])
    if where.matches_nothing:
        return {}
    sql, args = _sql(Parts(where, by))
    return {key: _lifetime(now, Sums(*values)) for key, *values in await db.fetch(sql, *args)}


def _sql(parts: Parts) -> tuple[str, list[object]]:
    """The statement and its parameters. Its rows: the key, and the fields of `Sums` up to the longest duration."""
    stale = f"h.tier = {Tier.HOUR:d}"
    unfolded = f"r.status >= 2{fresh(Tier.HOUR, 'r.agent_id', HOUR_OF_RUN)}"
    parts.add(AGENTS, f"c.status, {HELD}", "run_total c", "true")
    parts.add(AGENTS, f"c.status, {TAKEN_BACK}", CELLS_OF_HOURS, stale)
    parts.add(RUNS, f"r.status, {ADDED}", RUNS_OF_HOURS, f"{stale} AND r.status >= 2", group_by="1, 2")
    parts.add(RUNS, f"r.status, {ADDED}", LEDGER, unfolded, group_by="1, 2")
    parts.add(RUNS, f"r.status, {ADDED}", "run r", "r.status IN (0, 1)", group_by="1, 2")
    return EVER.format(parts=parts.union()), parts.statement.args


def _lifetime(now: datetime, sums_: Sums) -> Lifetime:
    return Lifetime(ResolvedRange(EVERYTHING_SINCE, now), sums_)
