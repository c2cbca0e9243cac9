"""Agents and versions as people and deployments register them: idempotent, and checked like all that comes in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from ..db import Connection, Database
from ..errors import ForbiddenError, InvalidInputError, NotFoundError, Problem
from ..ingest import check
from ..ingest.registry import AgentRef, Registry
from ..ingest.row import encode_metadata
from .scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRegistration:
    """What is None or empty leaves what was registered before as it is."""

    name: str
    project: str
    display_name: str | None = None
    focus_type: str | None = None
    metadata: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRegistration:
    """What is None or empty leaves what was registered before as it is."""

    agent: str
    project: str
    version: str
    cluster: str | None = None
    deployment: str | None = None
    tools: Sequence[str] = ()
    models: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChange:
    """What is None stays as it is, and so do texts where the new one is empty."""

    agent_id: int
    display_name: str | None = None
    focus_type: str | None = None
    disabled: bool | None = None
    pheromone_score: float | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """The id of what is registered, and whether it is new."""

    id: int
    created: bool


DESCRIBE_AGENT = """
    UPDATE agent SET
        display_name = coalesce(nullif($2, ''), display_name),
        focus_type = coalesce(nullif($3, ''), focus_type),
        metadata = coalesce($4::jsonb, metadata)
    WHERE id = $1"""

DESCRIBE_VERSION = """
    UPDATE agent_version SET
        cluster = coalesce(nullif($2, ''), cluster),
        deployment = coalesce(nullif($3, ''), deployment),
        tools = CASE WHEN $4::jsonb = '[]' THEN tools ELSE $4::jsonb END,
        models = CASE WHEN $5::jsonb = '[]' THEN models ELSE $5::jsonb END
    WHERE id = $1"""

CHANGE_AGENT = """
    UPDATE agent SET
        display_name = coalesce(nullif($2, ''), display_name),
        focus_type = coalesce(nullif($3, ''), focus_type),
        disabled = coalesce($4, disabled)
    WHERE id = $1 AND ($5::bigint[] IS NULL OR project_id = ANY($5))
    RETURNING id"""

SET_SCORE = "UPDATE agent_state SET pheromone_score = $2, pheromone_at = now() WHERE agent_id = $1"


async def register_agent(db: Database, scope: Scope, new: AgentRegistration) -> Registered:
    """Register an agent, or describe the registered one anew. Raises InvalidInputError."""
    metadata = encode_metadata(new.metadata)
    _raise(
        *check.name("name", new.name),
        *check.project("project", new.project),
        *_texts(displayName=new.display_name, focusType=new.focus_type),
        *([metadata] if isinstance(metadata, Problem) else []),
    )
    async with db.transaction() as connection:
        await _permit(connection, scope, new.project)
        agent, created = await _agent(connection, new.project, new.name)
        await connection.execute(
            DESCRIBE_AGENT, agent.id, new.display_name, new.focus_type, metadata if isinstance(metadata, str) else None
        )
    return Registered(agent.id, created)


async def register_version(db: Database, scope: Scope, new: VersionRegistration) -> Registered:
    """Register a version, and its agent if that is unknown; or describe the registered one anew."""
    _raise(
        *check.name("agent", new.agent),
        *check.project("project", new.project),
        *check.name("version", new.version),
        *_texts(cluster=new.cluster, deployment=new.deployment),
        *check.items("tools", list(new.tools)),
        *check.items("models", list(new.models)),
    )
    async with db.transaction() as connection:
        await _permit(connection, scope, new.project)
        agent, _ = await _agent(connection, new.project, new.agent)
        before = await connection.fetchval(
            "SELECT id FROM agent_version WHERE agent_id = $1 AND version = $2", agent.id, new.version
        )
        names = await Registry().register(
            connection, {(new.project, new.agent)}, {((new.project, new.agent), new.version)}
        )
        version_id = names.versions[agent.id, new.version]
        await connection.execute(
            DESCRIBE_VERSION, version_id, new.cluster, new.deployment, _json(new.tools), _json(new.models)
        )
    return Registered(version_id, before is None)


async def update_agent(db: Database, scope: Scope, change: AgentChange) -> None:
    """Change an agent. Raises InvalidInputError, NotFoundError."""
    score = change.pheromone_score
    out_of_range = score is not None and not 0 <= score <= 1
    _raise(
        *_texts(displayName=change.display_name, focusType=change.focus_type),
        *([Problem("pheromoneScore", "OUT_OF_RANGE", f"is {score}; allowed are 0 to 1.")] if out_of_range else []),
    )
    async with db.transaction() as connection:
        found = await connection.fetchval(
            CHANGE_AGENT,
            change.agent_id,
            change.display_name,
            change.focus_type,
            change.disabled,
            None if scope is None else sorted(scope),
        )
        if found is None:
            raise NotFoundError("There is no such agent.")
        if score is not None:
            await connection.execute(SET_SCORE, change.agent_id, score)


async def _agent(connection: Connection, project: str, name: str) -> tuple[AgentRef, bool]:
    before = await connection.fetchval(
        "SELECT a.id FROM agent a JOIN project p ON p.id = a.project_id WHERE p.slug = $1 AND a.name = $2",
        project,
        name,
    )
    names = await Registry().register(connection, {(project, name)}, set())
    return names.agents[project, name], before is None


async def _permit(connection: Connection, scope: Scope, project: str) -> None:
    if scope is None:
        return
    id_ = await connection.fetchval("SELECT id FROM project WHERE slug = $1", project)
    if id_ not in scope:
        raise ForbiddenError(f"This API key does not reach the project {project!r}.")


def _texts(**values: str | None) -> Iterable[Problem]:
    for path, value in values.items():
        if value is not None:
            yield from check.text(path, value)


def _json(values: Sequence[str]) -> str:
    return msgspec.json.encode(list(values)).decode()


def _raise(*problems: Problem) -> None:
    if problems:
        raise InvalidInputError(list(problems))
