"""Names of projects, agents and versions to their ids; unknown ones are registered.

Ids never change and nothing is ever deleted, so what was committed may be remembered for good.
Registering takes its locks in the order of the names, so that batches cannot block each other in a circle.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

from ..db import Connection

A = TypeVar("A")
B = TypeVar("B")

AgentKey: TypeAlias = tuple[str, str]
"""Project slug and agent name."""

VersionKey: TypeAlias = tuple[int, str]
"""Agent id and version."""

_MAX_REMEMBERED = 200_000


class AgentRef(NamedTuple):
    id: int
    project_id: int


FIND_AGENTS = """
    SELECT n.project, n.name, a.id, a.project_id
    FROM unnest($1::text[], $2::text[]) AS n (project, name)
    JOIN project p ON p.slug = n.project
    JOIN agent a ON a.project_id = p.id AND a.name = n.name"""

ADD_PROJECTS = """
    INSERT INTO project (slug, name)
    SELECT slug, slug FROM unnest($1::text[]) AS n (slug) ORDER BY slug
    ON CONFLICT ON CONSTRAINT project_slug_key DO NOTHING"""

ADD_AGENTS = """
    INSERT INTO agent (project_id, name)
    SELECT p.id, n.name
    FROM unnest($1::text[], $2::text[]) AS n (project, name) JOIN project p ON p.slug = n.project
    ORDER BY p.slug, n.name
    ON CONFLICT ON CONSTRAINT agent_project_id_name_key DO NOTHING"""

ADD_AGENT_STATES = """
    INSERT INTO agent_state (agent_id)
    SELECT id FROM unnest($1::bigint[]) AS n (id) ORDER BY id
    ON CONFLICT ON CONSTRAINT agent_state_pkey DO NOTHING"""

FIND_VERSIONS = """
    SELECT v.agent_id, v.version, v.id
    FROM unnest($1::bigint[], $2::text[]) AS n (agent_id, version)
    JOIN agent_version v ON v.agent_id = n.agent_id AND v.version = n.version"""

ADD_VERSIONS = """
    INSERT INTO agent_version (agent_id, version)
    SELECT agent_id, version FROM unnest($1::bigint[], $2::text[]) AS n (agent_id, version)
    ORDER BY agent_id, version
    ON CONFLICT ON CONSTRAINT agent_version_agent_id_version_key DO NOTHING"""


@dataclass(slots=True)
class Names:
    """The ids of some agents and versions, by name. Those registered in an open transaction are in here only."""

    agents: dict[AgentKey, AgentRef]
    versions: dict[VersionKey, int]


class Registry:
    """Remembers the ids that this process has seen committed."""

    def __init__(self) -> None:
        self._agents: dict[AgentKey, AgentRef] = {}
        self._versions: dict[VersionKey, int] = {}

    def recall(self, agents: set[AgentKey], versions: set[tuple[AgentKey, str]]) -> Names | None:
        """The ids of all these, if this process has seen them all."""
        found = self._known_agents(agents)
        if len(found) < len(agents):
            return None
        wanted = {(found[agent].id, version) for agent, version in versions}
        ids = self._known_versions(wanted)
        return Names(found, ids) if len(ids) == len(wanted) else None

    def remember(self, names: Names) -> None:
        """To be called when the transaction that found or registered the names has been committed."""
        for store in (self._agents, self._versions):
            if len(store) > _MAX_REMEMBERED:
                store.clear()
        self._agents.update(names.agents)
        self._versions.update(names.versions)

    async def register(
        self, connection: Connection, agents: set[AgentKey], versions: set[tuple[AgentKey, str]]
    ) -> Names:
        """The ids of all these, registering the unknown ones in the connection's transaction."""
        found = self._known_agents(agents)
        if missing := sorted(agents - found.keys()):
            found |= await _register_agents(connection, missing)
        wanted = {(found[agent].id, version) for agent, version in versions}
        ids = self._known_versions(wanted)
        if unknown := sorted(wanted - ids.keys()):
            ids |= await _register_versions(connection, unknown)
        return Names(found, ids)

    def _known_agents(self, keys: Iterable[AgentKey]) -> dict[AgentKey, AgentRef]:
        return {key: self._agents[key] for key in keys if key in self._agents}

    def _known_versions(self, keys: Iterable[VersionKey]) -> dict[VersionKey, int]:
        return {key: self._versions[key] for key in keys if key in self._versions}


async def _register_agents(connection: Connection, keys: list[AgentKey]) -> dict[AgentKey, AgentRef]:
    found = await _find_agents(connection, keys)
    missing = [key for key in keys if key not in found]
    if missing:
        projects, names = _columns(missing)
        await connection.execute(ADD_PROJECTS, sorted(set(projects)))
        await connection.execute(ADD_AGENTS, projects, names)
        added = await _find_agents(connection, missing)
        await connection.execute(ADD_AGENT_STATES, sorted(ref.id for ref in added.values()))
        found |= added
    return found


async def _find_agents(connection: Connection, keys: list[AgentKey]) -> dict[AgentKey, AgentRef]:
    rows = await connection.fetch(FIND_AGENTS, *_columns(keys))
    return {(project, name): AgentRef(id_, project_id) for project, name, id_, project_id in rows}


async def _register_versions(connection: Connection, keys: list[VersionKey]) -> dict[VersionKey, int]:
    found = await _find_versions(connection, keys)
    missing = [key for key in keys if key not in found]
    if missing:
        await connection.execute(ADD_VERSIONS, *_columns(missing))
        found |= await _find_versions(connection, missing)
    return found


async def _find_versions(connection: Connection, keys: list[VersionKey]) -> dict[VersionKey, int]:
    rows = await connection.fetch(FIND_VERSIONS, *_columns(keys))
    return {(agent_id, version): id_ for agent_id, version, id_ in rows}


def _columns(keys: Iterable[tuple[A, B]]) -> tuple[list[A], list[B]]:
    """The parameters of a two-column `unnest`."""
    pairs = list(keys)
    return [first for first, _ in pairs], [second for _, second in pairs]
