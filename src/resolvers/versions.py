"""Versions of agents."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import msgspec

from ..db import Database
from . import agents, sql_value
from .agents import AgentFilter
from .page import Order, Page, PageArgs
from .scope import Scope
from .statement import Statement

ACTIVE_FOR = timedelta(days=7)
"""So long after its last run a version counts as active."""


@dataclass(frozen=True, slots=True)
class AgentVersion:
    id: int
    agent_id: int
    version: str
    cluster: str | None
    deployment: str | None
    tools: list[str]
    models: list[str]
    created_at: datetime
    last_seen_at: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether a run of it was seen in the last seven days."""
        return self.last_seen_at is not None and self.last_seen_at > datetime.now(UTC) - ACTIVE_FOR


COLUMNS = "v.id, v.agent_id, v.version, v.cluster, v.deployment, v.tools, v.models, v.created_at, s.last_seen_at"
TABLES = """agent_version v JOIN agent a ON a.id = v.agent_id
    LEFT JOIN version_state s ON s.agent_id = v.agent_id AND s.version_id = v.id"""

NEWEST_FIRST: Order[AgentVersion] = Order(
    "REGISTERED", "v.id", "bigint", lambda version: version.id, sql_value.bigint, descending=True, id_column="v.id"
)


async def by_ids(db: Database, scope: Scope, ids: Sequence[int]) -> list[AgentVersion | None]:
    """Versions in the order of their ids; None for those that do not exist in the scope."""
    statement = _visible(scope)
    statement.where("v.id = ANY({}::bigint[])", list(ids))
    rows = await db.fetch(f"SELECT {COLUMNS} FROM {TABLES} {statement.where_clause}", *statement.args)
    found = {row["id"]: version(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def by_names(db: Database, scope: Scope, keys: Sequence[tuple[int, str]]) -> list[AgentVersion | None]:
    """Versions by (agent id, version), in that order."""
    statement = _visible(scope)
    statement.where(
        "(v.agent_id, v.version) IN (SELECT * FROM unnest({}::bigint[], {}::text[]))",
        [agent_id for agent_id, _ in keys],
        [name for _, name in keys],
    )
    rows = await db.fetch(f"SELECT {COLUMNS} FROM {TABLES} {statement.where_clause}", *statement.args)
    found = {(row["agent_id"], row["version"]): version(row) for row in rows}
    return [found.get(key) for key in keys]


async def latest(db: Database, scope: Scope, agent_ids: Sequence[int]) -> list[AgentVersion | None]:
    """Of each agent the version that was registered last; None where it has none."""
    found = await pages(db, scope, agent_ids, PageArgs(first=1))
    return [page.items[0] if page.items else None for page in found]


async def pages(db: Database, scope: Scope, agent_ids: Sequence[int], args: PageArgs) -> list[Page[AgentVersion]]:
    """For each agent a page of its versions, the newest first, all by one statement."""
    statement = _visible(scope)
    owners = statement.arg(list(agent_ids))
    statement.where("v.agent_id = owner.id")
    args.bounds(statement, NEWEST_FIRST)
    direction = NEWEST_FIRST.by(backward=args.backward)
    rows = await db.fetch(
        f"SELECT v.* FROM unnest({owners}::bigint[]) AS owner (id) CROSS JOIN LATERAL ("
        f"SELECT {COLUMNS} FROM {TABLES} {statement.where_clause} ORDER BY {direction} LIMIT {args.size + 1}) v"
        f" ORDER BY v.agent_id, {direction}",
        *statement.args,
    )
    found: dict[int, list[AgentVersion]] = {agent_id: [] for agent_id in agent_ids}
    for row in rows:
        found[row["agent_id"]].append(version(row))
    return [Page.of(found[agent_id], args, NEWEST_FIRST, _id_of) for agent_id in agent_ids]


async def page(db: Database, scope: Scope, args: PageArgs, where: AgentFilter) -> Page[AgentVersion]:
    """A page of the versions of all agents that a filter leaves, the one registered last first."""
    statement = _of_agents(scope, where)
    args.bounds(statement, NEWEST_FIRST)
    rows = await db.fetch(
        f"SELECT {COLUMNS} FROM {TABLES} {statement.where_clause}"
        f" ORDER BY {NEWEST_FIRST.by(backward=args.backward)} LIMIT {args.size + 1}",
        *statement.args,
    )
    return Page.of([version(row) for row in rows], args, NEWEST_FIRST, _id_of)


async def count(db: Database, scope: Scope, where: AgentFilter) -> int:
    """How many versions the agents have that a filter leaves."""
    statement = _of_agents(scope, where)
    return int(await db.fetchval(f"SELECT count(*) FROM agent_version v {statement.where_clause}", *statement.args))


async def counts(db: Database, agent_ids: Sequence[int]) -> list[int]:
    """How many versions each agent has."""
    rows = await db.fetch(
        "SELECT agent_id, count(*) FROM agent_version WHERE agent_id = ANY($1::bigint[]) GROUP BY agent_id",
        list(agent_ids),
    )
    found = {row["agent_id"]: row["count"] for row in rows}
    return [found.get(agent_id, 0) for agent_id in agent_ids]


def version(row: asyncpg.Record) -> AgentVersion:
    values: list[Any] = list(row)
    values[5:7] = [msgspec.json.decode(text, type=list[str]) for text in values[5:7]]
    return AgentVersion(*values)


def _of_agents(scope: Scope, where: AgentFilter) -> Statement:
    found = Statement()
    agents.narrow(found, scope, where)
    of_agents = f"v.agent_id IN (SELECT a.id FROM {agents.TABLES} {found.where_clause})"
    return Statement(found.args, [of_agents] if found.conditions else [])


def _visible(scope: Scope) -> Statement:
    statement = Statement()
    statement.within("a.project_id", scope)
    return statement


def _id_of(item: AgentVersion) -> int:
    return item.id
