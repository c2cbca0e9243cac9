"""The agents as a whole: how many there are and ran, what they are at now, and the best of them."""

from dataclasses import dataclass

import msgspec

from ..db import Database
from ..models.agent import FIRST_PHEROMONE_SCORE
from .ranges import ResolvedRange
from .scope import Scope

BEST = 5

# An hour of cells that lies within the range says that there was a run, also where the run itself has been dropped.
# They are asked first, since they answer for nearly all agents, in fewer steps than the partitions of runs.
RAN = """(
        EXISTS (
            SELECT FROM run_hour c
            WHERE c.agent_id = a.id AND c.starts_at >= {from_} AND c.starts_at <= {to} - interval '1 hour')
        OR EXISTS (SELECT FROM run r WHERE r.agent_id = a.id AND r.started_at >= {from_} AND r.started_at < {to})
    )"""

WORKFORCE = f"""
WITH known AS MATERIALIZED (
    SELECT a.id, coalesce(a.display_name, a.name) AS name, NOT a.disabled AS active,
        coalesce(s.pheromone_score, {FIRST_PHEROMONE_SCORE}) AS score, s.last_active_at IS NOT NULL AS was_active,
        {RAN.format(from_="$3::timestamptz", to="$4::timestamptz")} AS ran,
        {RAN.format(from_="$5::timestamptz", to="$3::timestamptz")} AS ran_before
    FROM agent a JOIN project p ON p.id = a.project_id LEFT JOIN agent_state s ON s.agent_id = a.id
    WHERE ($1::bigint[] IS NULL OR a.project_id = ANY($1)) AND ($2::text IS NULL OR p.slug = $2)
), unfinished AS MATERIALIZED (
    SELECT u.status, count(*) AS agents, sum(u.runs)::bigint AS runs
    FROM (
        SELECT r.agent_id, r.status, count(*) AS runs FROM run r WHERE r.status IN (0, 1) GROUP BY 1, 2
    ) u
    WHERE EXISTS (SELECT FROM known k WHERE k.id = u.agent_id)
    GROUP BY 1
)
SELECT count(*) AS known, count(*) FILTER (WHERE k.active) AS active,
    count(*) FILTER (WHERE k.ran) AS ran, count(*) FILTER (WHERE k.ran_before) AS ran_before,
    coalesce((SELECT u.agents FROM unfinished u WHERE u.status = 1), 0) AS working,
    coalesce((SELECT u.runs FROM unfinished u WHERE u.status = 1), 0) AS running,
    coalesce((SELECT u.runs FROM unfinished u WHERE u.status = 0), 0) AS queued,
    (
        SELECT coalesce(jsonb_agg(b), '[]') FROM (
            SELECT k.id, k.name, k.score FROM known k WHERE k.active AND k.was_active
            ORDER BY k.score DESC, k.name COLLATE "C", k.id LIMIT {BEST}
        ) b
    ) AS best
FROM known k"""

PLANNED_ONCE = "SET LOCAL plan_cache_mode = force_generic_plan"
"""To plan the statement anew, for all partitions of runs, takes longer than to execute it."""


class Scored(msgspec.Struct, frozen=True):
    """An agent with its present pheromone score."""

    id: int
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Workforce:
    """`active` agents are those that are not disabled, `ran` those of which a run started in the range, or before it.

    `working` agents have some of the `running` runs; these and the `queued` ones are of any age. The `best` active
    agents by their scores are those that ever ran.
    """

    known: int
    active: int
    ran: int
    ran_before: int
    working: int
    running: int
    queued: int
    best: list[Scored]


async def read(db: Database, scope: Scope, range_: ResolvedRange, *, project: str | None = None) -> Workforce:
    """Of all agents in the scope, or of one project. The range before is as long, and ends where the range begins."""
    from_, to = range_.from_, range_.to
    projects = None if scope is None else sorted(scope)
    async with db.snapshot() as connection:
        await connection.execute(PLANNED_ONCE)
        (row,) = await connection.fetch(WORKFORCE, projects, project, from_, to, from_ - (to - from_))
    known, active, ran, ran_before, working, running, queued, best = row
    return Workforce(
        known=known,
        active=active,
        ran=ran,
        ran_before=ran_before,
        working=working,
        running=running,
        queued=queued,
        best=msgspec.json.decode(best, type=list[Scored]),
    )
