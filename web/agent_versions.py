"""The versions of an agent with what their runs come to over the range; two can be chosen to be compared."""

import asyncio
from dataclasses import dataclass

from formicary.resolvers import figures, lifetimes, versions
from formicary.resolvers.metrics import Metrics
from formicary.resolvers.page import PageArgs
from formicary.resolvers.question import Dimension, Question, Wants
from formicary.resolvers.versions import AgentVersion

from .panels import Panel
from .visit import Visit
from .visited_agent import visited_agent

MOST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRow:
    """`runs_ever` are of all time, `metrics` of the range."""

    version: AgentVersion
    metrics: Metrics
    runs_ever: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentVersionsContext:
    """The versions registered last, the newest first, `most` of them if it `is_cut`."""

    agent_id: int
    rows: list[VersionRow]
    is_cut: bool
    most: int


async def read(visit: Visit) -> AgentVersionsContext:
    agent = (await visited_agent(visit)).agent
    (page,) = await versions.pages(visit.database, visit.scope, [agent.id], PageArgs(first=MOST))
    ids = [version.id for version in page.items]
    question = Question(visit.range, by=Dimension.VERSION, owners=tuple(ids), wants=Wants(durations=True))
    found, ever = await asyncio.gather(
        figures.read(visit.database, visit.scope, question),
        lifetimes.of_owners(visit.database, visit.scope, visit.now, Dimension.VERSION, ids),
    )
    rows = [
        VersionRow(version=version, metrics=found.metrics(version.id), runs_ever=lifetime.runs)
        for version, lifetime in zip(page.items, ever, strict=True)
    ]
    return AgentVersionsContext(agent_id=agent.id, rows=rows, is_cut=page.has_next, most=MOST)


VERSIONS = Panel(name="versions", template="agent_versions.html", read=read)
