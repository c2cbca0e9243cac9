"""Pheromone scores, computed behind the fold: hour by hour into `pheromone_hour`, the latest into `agent_state`.

Whatever changes an agent's cells marks the hour as stale for this tier. From the first such hour on all of the agent's
hours are computed anew, since each rests on the one before, and the medians of a week on its runs. Hours without runs
have no row: what evaporates in them can be told from the row before.

An agent of which a run has reported a score keeps the latest reported one; its hours from then on hold the mean of
what was reported in them, or else what was before.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

import asyncpg

from ..config import Settings
from ..db import Connection, Database
from ..models import Tier
from ..models.agent import FIRST_PHEROMONE_SCORE
from . import pheromone_sql as sql
from .histogram import BOUNDS, VALUES
from .lock import fold_transaction
from .pheromone_formula import HOUR, Formula, Hour, Start, Step

SLICE_HOURS = 2_000
"""Agents are taken together until they come to so many hours; that takes about a second if all have many cells."""

LEAST_CHANGE = 1e-6
"""A score that is so near is let be: it would evaporate for months, and nobody could see it."""

Since: TypeAlias = Mapping[int, datetime]
"""By agent, the first hour in question."""


async def update(db: Database, settings: Settings, now: datetime) -> None:
    """Compute what is stale, and let the scores of agents that were idle evaporate.

    One turn takes each agent once, however often it is marked meanwhile; the next turn goes on from there.
    """
    formula = Formula.of(settings)
    stale = {row["owner_id"]: row["since"] for row in await db.fetch(sql.STALE, Tier.PHEROMONE)}
    for agents in _slices(stale, now):
        async with fold_transaction(db) as connection:
            await _compute(connection, formula, agents)
    await settle(db, formula, now)


async def settle(db: Database, formula: Formula, now: datetime) -> None:
    """Bring the score of each agent that reports none to what its last hour with runs has left of it."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    await db.write(sql.SETTLE, FIRST_PHEROMONE_SCORE, hour, formula.half_life / HOUR, LEAST_CHANGE)


async def trace(connection: Connection, formula: Formula, since: Since) -> dict[int, list[Step]]:
    """By agent, what its hours from one on make of its score, as the tiers stand."""
    ids = list(since)
    starts = {row["agent_id"]: _start(row) for row in await connection.fetch(sql.STARTS, ids, list(since.values()))}
    judged = {agent: hour for agent, hour in since.items() if agent in starts and not _is_known(starts[agent], hour)}
    medians = await _medians(connection, judged)
    hours = await _hours(connection, since, medians)
    return {agent: list(formula.steps(start, hours[agent])) for agent, start in starts.items()}


@dataclass(frozen=True, slots=True)
class Account:
    """How an agent came to its score: its hours with runs, and when a score was last reported, if ever."""

    steps: list[Step]
    reported_at: datetime | None


async def account(db: Database, formula: Formula, agent_id: int, since: datetime) -> Account:
    """Computed from the tiers as they are now; nothing is stored."""
    async with db.snapshot() as connection:
        reported_at = await connection.fetchval(sql.REPORTED, agent_id)
        steps = await trace(connection, formula, {agent_id: since})
    return Account(steps.get(agent_id, []), reported_at)


@dataclass(frozen=True, slots=True)
class _Medians:
    duration_ms: float | None = None
    cost: float | None = None


Medians: TypeAlias = Mapping[tuple[int, datetime], _Medians]
"""By agent and day."""


def _slices(stale: Since, now: datetime) -> Iterator[list[int]]:
    agents: list[int] = []
    room = float(SLICE_HOURS)
    for agent, since in stale.items():
        agents.append(agent)
        room -= max((now - since) / HOUR, 1.0)
        if room <= 0:
            yield agents
            agents, room = [], float(SLICE_HOURS)
    if agents:
        yield agents


async def _compute(connection: Connection, formula: Formula, agents: list[int]) -> None:
    marks = await connection.fetch(sql.TAKE, Tier.PHEROMONE, agents)
    since = {row["owner_id"]: row["since"] for row in marks}
    if since:
        await _store(connection, since, await trace(connection, formula, since))


async def _store(connection: Connection, since: Since, steps: Mapping[int, list[Step]]) -> None:
    rows = [_row(agent, step) for agent, taken in steps.items() for step in taken]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(7)]
    await connection.execute(sql.FORGET, list(since), list(since.values()), *columns[:2])
    await connection.execute(sql.STORE, *columns)


def _row(agent: int, step: Step) -> tuple[object, ...]:
    """The row of `pheromone_hour`. Medians that had no part in the score are left out."""
    hour = step.hour
    medians = (None, None) if step.quality is None else (hour.median_duration_ms, hour.median_cost)
    return agent, hour.starts_at, step.score, hour.runs, step.quality, *medians


def _start(row: asyncpg.Record) -> Start:
    start = Start(given=row["given"], given_from=row["given_from"])
    if row["starts_at"] is None:
        return start
    return replace(start, score=row["score"], at=row["starts_at"], reported=row["reported"])


def _is_known(start: Start, hour: datetime) -> bool:
    """Whether nothing is computed from an hour on."""
    return start.reported or start.gives(hour)


async def _medians(connection: Connection, since: Since) -> Medians:
    if not since:
        return {}
    rows = await connection.fetch(sql.MEDIANS, list(since), list(since.values()), VALUES, Tier.DAY, BOUNDS)
    return {
        (row["agent_id"], row["day"]): _Medians(row["median_duration_ms"], row["median_cost"])
        for row in rows
    }  # fmt: skip


async def _hours(connection: Connection, since: Since, medians: Medians) -> dict[int, list[Hour]]:
    rows = await connection.fetch(sql.HOURS, list(since), list(since.values()), VALUES, *_known(medians), BOUNDS)
    hours: dict[int, list[Hour]] = defaultdict(list)
    for row in rows:
        starts_at = row["starts_at"]
        day = medians.get((row["agent_id"], starts_at - timedelta(hours=starts_at.hour)), _Medians())
        hours[row["agent_id"]].append(
            Hour(
                starts_at,
                runs=row["runs"],
                succeeded=row["succeeded"],
                duration=row["duration"],
                cost=row["cost"],
                median_duration_ms=day.duration_ms,
                median_cost=day.cost,
                reported=row["reported"],
            )
        )
    return hours


def _known(medians: Medians) -> list[list[object]]:
    """The columns agent, day, duration, cost."""
    rows = [(agent, day, median.duration_ms, median.cost) for (agent, day), median in medians.items()]
    return [[row[column] for row in rows] for column in range(4)]
