"""Recording inside of a transaction that may write more than runs: all of it is committed together, or none."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from ..db import Connection
from .check import UNFINISHED
from .merge import mark_unfinished
from .pricing import Prices
from .registry import AgentKey, Names, Registry
from .row import RunRow, build, price
from .run_ids import RunIds
from .run_input import RunInput, RunKeyInput
from .writer import Key, Says, Written, write

Named: TypeAlias = tuple[set[AgentKey], set[tuple[AgentKey, str]]]


class Accepted(NamedTuple):
    """An input that was found good, its place in the batch, and its metadata as JSON."""

    at: int
    run: RunInput
    metadata: str | None


class Recording:
    """Of one transaction. `names` are to be remembered once it has been committed."""

    def __init__(self, registry: Registry, ids: RunIds, prices: Prices, *, connection: Connection) -> None:
        self._registry = registry
        self._ids = ids
        self._prices = prices
        self.connection = connection
        self.names: Names | None = None

    async def write(
        self,
        accepted: Sequence[Accepted],
        now: datetime,
        *,
        says: Sequence[Says] = (),
        withdrawn: Sequence[RunKeyInput] = (),
    ) -> Written:
        """Write runs and take back others; once a transaction, as locks are taken in one order (see writer.py)."""
        agents, versions = named(accepted)
        agents.update((key.project, key.agent) for key in withdrawn)
        names = await self._registry.register(self.connection, agents, versions)
        self.names = names
        ids = await self._ids.take(self.connection, len(accepted))
        rows = [row_of(item, id_, names, self._prices, now) for item, id_ in zip(accepted, ids, strict=True)]
        keys: list[Key] = [(names.agents[key.project, key.agent].id, key.external_id) for key in withdrawn]
        return await write(self.connection, rows, self._prices, says=says, withdrawn=keys)


def named(accepted: Sequence[Accepted]) -> Named:
    """The agents and versions that the runs name."""
    agents: set[AgentKey] = set()
    versions: set[tuple[AgentKey, str]] = set()
    for item in accepted:
        run = item.run
        key = (run.project, run.agent)
        agents.add(key)
        versions.add((key, run.version))
        if run.parent is not None:
            agents.add((run.parent.project, run.parent.agent))
    return agents, versions


def row_of(item: Accepted, run_id: int, names: Names, prices: Prices, now: datetime) -> RunRow:
    run, parent = item.run, item.run.parent
    agent = names.agents[run.project, run.agent]
    row = build(
        run,
        run_id=run_id,
        agent_id=agent.id,
        project_id=agent.project_id,
        version_id=names.versions[agent.id, run.version],
        parent_agent_id=None if parent is None else names.agents[parent.project, parent.agent].id,
        metadata=item.metadata,
        now=now,
    )
    if run.status in UNFINISHED:
        mark_unfinished(row)
    price(row, prices)
    return row
