"""Cells and marks with keyword overrides, for what is computed from them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from formicary.db import Database
from formicary.models import RunStatus, Tier
from formicary.rollups.histogram import bucket_of, pack

from ..web.rows import insert_agent

INSERT = """
    INSERT INTO {table} (
        agent_id, starts_at, version_id, status, runs, scored_runs, score, durations, costs,
        timed_runs, unknown_runs, messages, input_tokens, output_tokens, cost, model, provider, error_type)
    VALUES ($1, $2, 1, $3, $4, $5, $6, $7, $8, 0, $4, 0, 0, 0, 0, '', '', '')"""

MARK = """
    INSERT INTO rollup_stale (tier, owner_id, starts_at) VALUES ($1, $2, $3)
    ON CONFLICT ON CONSTRAINT rollup_stale_pkey DO NOTHING"""


async def agent(db: Database, name: str = "planner", *, score: float | None = None, at: datetime | None = None) -> int:
    """An agent of the project `default`, with a score that was reported, if any; its id."""
    state: dict[str, Any] = (
        {"pheromone_score": 0.5} if score is None else {"pheromone_score": score, "pheromone_at": at}
    )
    return await insert_agent(db, name, **state)


async def cell(
    db: Database,
    agent_id: int,
    starts_at: datetime,
    *,
    status: RunStatus = RunStatus.SUCCEEDED,
    runs: int = 1,
    durations_ms: Iterable[int] = (),
    costs: Iterable[float] = (),
    scores: Iterable[float] = (),
    table: str = "run_hour",
) -> None:
    """Runs that are alike, in a tier that is marked as a fold marks it."""
    reported = list(scores)
    durations = [entry for duration in durations_ms for entry in pack(bucket_of(duration), 1)]
    dollars = [entry for cost in costs for entry in pack(bucket_of(round(cost * 1_000_000)), 1)]
    await db.execute(
        INSERT.format(table=table),
        agent_id,
        starts_at,
        int(status),
        runs,
        len(reported),
        sum(reported),
        durations or None,
        dollars or None,
    )
    if table == "run_hour":
        await mark(db, agent_id, starts_at)


async def mark(db: Database, agent_id: int, starts_at: datetime, tier: Tier = Tier.PHEROMONE) -> None:
    await db.execute(MARK, int(tier), agent_id, starts_at)


async def pheromone_hour(
    db: Database, agent_id: int, starts_at: datetime, *, score: float, runs: int = 1, quality: float | None = 0.5
) -> None:
    """A stored hour; without a quality its score was reported."""
    await db.execute(
        "INSERT INTO pheromone_hour (agent_id, starts_at, score, runs, quality) VALUES ($1, $2, $3, $4, $5)",
        agent_id,
        starts_at,
        score,
        runs,
        quality,
    )
