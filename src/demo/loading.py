"""Recording the sample data, once: what was begun is completed, what is complete is left as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

import msgspec

from ..db import Database
from ..ingest.recorder import Recorder
from ..resolvers.registration import (
    AgentChange,
    AgentRegistration,
    VersionRegistration,
    register_agent,
    register_version,
    update_agent,
)
from ..rollups.aggregate import settle
from .arrivals import DAYS
from .cast import AGENTS, Agent
from .runs import sample_days

SEED = 1

Progress: TypeAlias = Callable[[int, int], object]
"""Is told how many days of how many are recorded."""

CLAIM = """
    UPDATE agent SET metadata = coalesce(metadata, '{}') || jsonb_build_object('sample', $2::jsonb)
    WHERE id = $1 AND metadata->'sample' IS NULL"""
FINISH = "UPDATE agent SET metadata = jsonb_set(metadata, '{sample,complete}', 'true') WHERE id = $1"
SAMPLE = "SELECT metadata->>'sample' FROM agent WHERE id = $1"

DATE_AGENT = "UPDATE agent SET created_at = least(created_at, $2) WHERE id = $1"
DATE_VERSION = "UPDATE agent_version SET created_at = least(created_at, $2) WHERE id = $1"


class _Sample(msgspec.Struct, frozen=True):
    """Which sample data a database holds; kept with the first agent, so that asking again means the same runs."""

    seed: int
    until: datetime
    complete: bool = False


@dataclass(frozen=True, slots=True)
class Loaded:
    """`recorded` is 0 where the data was there before, then `until` is the moment at which it ends."""

    recorded: int
    seed: int
    until: datetime


async def load(db: Database, *, seed: int = SEED, now: datetime | None = None, progress: Progress) -> Loaded:
    """Record the sample data up to `now`, unless the database holds some; then only what is missing of that.

    Its figures are stored at once, so that whoever looks first sees them all.
    """
    asked = _Sample(seed, now or datetime.now(UTC))
    agent_ids = [await _register(db, agent) for agent in AGENTS]
    sample = await _claim(db, agent_ids[0], asked)
    if sample.complete:
        return Loaded(0, sample.seed, sample.until)
    for agent, id_ in zip(AGENTS, agent_ids, strict=True):
        await _deploy(db, agent, id_, sample.until)
    recorded = await _record(db, sample, progress)
    await settle(db, sample.until)
    await db.execute("ANALYZE run_hour")  # or reading it is planned as if it were empty
    await db.execute(FINISH, agent_ids[0])
    return Loaded(recorded, sample.seed, sample.until)


async def _register(db: Database, agent: Agent) -> int:
    new = AgentRegistration(
        name=agent.name, project=agent.project, display_name=agent.display_name, focus_type=agent.focus_type
    )
    return (await register_agent(db, None, new)).id


async def _claim(db: Database, agent_id: int, asked: _Sample) -> _Sample:
    """What is to be recorded: as asked, or what somebody began before."""
    await db.execute(CLAIM, agent_id, msgspec.json.encode(asked).decode())
    return msgspec.json.decode(await db.fetchval(SAMPLE, agent_id), type=_Sample)


async def _deploy(db: Database, agent: Agent, agent_id: int, until: datetime) -> None:
    """Register the versions in their order, as of the days on which they came."""
    for version in agent.versions:
        new = VersionRegistration(
            agent=agent.name,
            project=agent.project,
            version=version.name,
            cluster=agent.cluster,
            deployment=version.deployment,
            tools=agent.tools,
            models=[version.model],
        )
        registered = await register_version(db, None, new)
        await db.execute(DATE_VERSION, registered.id, until - timedelta(days=version.days_ago))
    await db.execute(DATE_AGENT, agent_id, until - timedelta(days=agent.versions[0].days_ago))
    if agent.retired_hours_ago:
        await update_agent(db, None, AgentChange(agent_id=agent_id, disabled=True))


async def _record(db: Database, sample: _Sample, progress: Progress) -> int:
    recorder = Recorder(db)
    recorded = 0
    for day, runs in enumerate(sample_days(sample.until, sample.seed), 1):
        recorded += (await recorder.record(runs)).recorded
        progress(day, DAYS)
    return recorded
