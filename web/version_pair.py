"""The two versions of an agent that an address names, by their ids or names; by default the two latest."""

from collections.abc import Sequence
from dataclasses import dataclass

from formicary.errors import NotFoundError
from formicary.resolvers.loaders import VersionsKey
from formicary.resolvers.page import PageArgs
from formicary.resolvers.versions import AgentVersion

from .visit import Visit
from .visited_agent import MOST_ID, VisitedAgent, visited_agent

MOST = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """`b` is compared with `a`."""

    a: AgentVersion
    b: AgentVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPair:
    """`versions` are those that can be chosen, the newest first; `pair` is None where there are not two."""

    visited: VisitedAgent
    versions: Sequence[AgentVersion]
    pair: Pair | None


async def version_pair(visit: Visit) -> VersionPair:
    """Raises NotFoundError for an agent or a version that there is not."""
    visited = await visited_agent(visit)
    latest = (await visit.loaders().versions.load(VersionsKey(visited.agent.id, PageArgs(first=MOST)))).items
    a = await _named(visit, visited.agent.id, "a")
    b = await _named(visit, visited.agent.id, "b")
    b = b or next((version for version in latest if version != a), None)
    a = a or next((version for version in latest if version != b), None)
    known = {version.id: version for version in (*latest, *filter(None, (a, b)))}
    return VersionPair(visited=visited, versions=list(known.values()), pair=Pair(a, b) if a and b else None)


async def _named(visit: Visit, agent_id: int, parameter: str) -> AgentVersion | None:
    """None where the address names none."""
    name = visit.place.params.get(parameter)
    if not name:
        return None
    found = await _by_id(visit, agent_id, name) or await visit.loaders().version_by_name.load((agent_id, name))
    if found is None:
        raise NotFoundError(f"{parameter}: {name[:40]!r} is neither the id nor the name of a version of this agent.")
    return found


async def _by_id(visit: Visit, agent_id: int, text: str) -> AgentVersion | None:
    if not (text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= MOST_ID):
        return None
    version = await visit.loaders().version.load(int(text))
    return version if version and version.agent_id == agent_id else None
