"""Runs as rows of a table: with the names of what they are of."""

from collections.abc import Sequence
from dataclasses import dataclass

from formicary.resolvers.agents import Agent
from formicary.resolvers.loaders import Loaders
from formicary.resolvers.runs import Run
from formicary.resolvers.versions import AgentVersion


@dataclass(frozen=True, slots=True)
class RunRow:
    """The agent and the version are None for a moment only, while they are being removed."""

    run: Run
    agent: Agent | None
    version: AgentVersion | None


async def rows(loaders: Loaders, runs: Sequence[Run]) -> list[RunRow]:
    """In the order of the runs, by a statement for all agents and one for all versions."""
    agents = await loaders.agent.load_many([run.agent_id for run in runs])
    versions = await loaders.version.load_many([run.version_id for run in runs])
    return [RunRow(*row) for row in zip(runs, agents, versions, strict=True)]
