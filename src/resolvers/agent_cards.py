"""The agents as the dashboard lists them: each as it stands, with its figures over a range and the course of its score.

However many agents there are, a page of them takes the same few statements. By a figure of the range, those of all
agents are read first and rank the agents, so that the rest is read of the page's alone.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from ..db import Database
from ..rollups.pheromone_formula import Formula
from . import agents, figures, pheromone_history
from .agent_orders import AgentOrder
from .agents import Agent, AgentFilter, AgentStatus
from .metrics import NOTHING, Metrics
from .page import Page, PageArgs
from .pheromone_history import PheromoneKey
from .question import Dimension, Question
from .ranges import ResolvedRange
from .run_filter import RunFilter
from .scope import Scope
from .statement import Statement

SCORE_DAYS = 7
"""Of so many days up to now the course of a score is shown, whatever the range of the figures."""

SCORE_HOURS = 4
"""Apart: more points than that are not seen in a sparkline."""

MOST_FOCUS_TYPES = 200


@dataclass(frozen=True, slots=True)
class AgentCard(Agent):
    """`version` is the one registered last, with its cluster, tools and models; `rank` is what the list goes by."""

    project: str
    version: str | None
    cluster: str | None
    tools: list[str]
    models: list[str]
    rank: Any


@dataclass(frozen=True, slots=True)
class AgentRow:
    """`metrics` are of the range that was asked for, `scores` those of the last days, SCORE_HOURS apart."""

    agent: AgentCard
    metrics: Metrics
    scores: list[float]


@dataclass(frozen=True, slots=True)
class AgentRows:
    """A page; `next_cursor` leads to the one after it, if there is one."""

    rows: list[AgentRow]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichAgents:
    """A page of the agents of a filter in an order, with figures of a range."""

    range: ResolvedRange
    where: AgentFilter
    order: AgentOrder
    descending: bool
    args: PageArgs

    @property
    def runs(self) -> RunFilter:
        return RunFilter(project=self.where.project)


COLUMNS = f"{agents.COLUMNS}, p.slug, v.version, v.cluster, v.tools, v.models"

TABLES = f"""{agents.TABLES} LEFT JOIN LATERAL (
        SELECT v.version, v.cluster, v.tools, v.models FROM agent_version v
        WHERE v.agent_id = a.id ORDER BY v.id DESC LIMIT 1) v ON true"""

RANKED = "LEFT JOIN unnest({}::bigint[], {}::float8[]) AS f (agent_id, figure) ON f.agent_id = a.id"

BY_STATUS = f"SELECT {agents.STATUS_SQL} AS status, count(*) FROM {agents.TABLES} {{where}} GROUP BY 1"

FOCUS_TYPES = """
    SELECT DISTINCT a.focus_type FROM agent a JOIN project p ON p.id = a.project_id {where}
    ORDER BY 1 LIMIT {limit}"""


async def read(db: Database, scope: Scope, which: WhichAgents, *, formula: Formula, now: datetime) -> AgentRows:
    """Raises BadInputError for a cursor of another order, HorizonError for what takes runs that were dropped."""
    if which.order.figure is None:
        found = await _page(db, scope, which, {})
        metrics, scores = await asyncio.gather(
            _metrics(db, scope, which, found.items), _scores(db, found.items, formula, now)
        )
    else:
        metrics = await _metrics(db, scope, which)
        found = await _page(db, scope, which, metrics)
        scores = await _scores(db, found.items, formula, now)
    nothing = Metrics(which.range, NOTHING)
    rows = [AgentRow(card, metrics.get(card.id, nothing), scores[card.id]) for card in found.items]
    return AgentRows(rows, found.cursor(found.items[-1]) if found.has_next and found.items else None)


async def count_by_status(db: Database, scope: Scope, where: AgentFilter) -> dict[AgentStatus, int]:
    """How many agents of a filter have each status; none that no agent has."""
    statement = Statement()
    agents.narrow(statement, scope, where)
    rows = await db.fetch(BY_STATUS.format(where=statement.where_clause), *statement.args)
    return {AgentStatus(status): count for status, count in rows}


async def focus_types(db: Database, scope: Scope, project: str | None = None) -> list[str]:
    """Those that agents have, in the order of the alphabet."""
    statement = Statement()
    agents.narrow(statement, scope, AgentFilter(project=project))
    statement.where("a.focus_type <> ''")
    rows = await db.fetch(FOCUS_TYPES.format(where=statement.where_clause, limit=MOST_FOCUS_TYPES), *statement.args)
    return [row["focus_type"] for row in rows]


async def _page(db: Database, scope: Scope, which: WhichAgents, metrics: Mapping[int, Metrics]) -> Page[AgentCard]:
    order = which.order.order(descending=which.descending)
    statement = Statement()
    tables = TABLES
    if which.order.figure is not None:
        ranks = {id_: rank for id_, each in metrics.items() if (rank := which.order.figure(each)) is not None}
        tables = f"{TABLES} {RANKED.format(statement.arg(list(ranks)), statement.arg(list(ranks.values())))}"
    agents.narrow(statement, scope, which.where)
    which.args.bounds(statement, order)
    rows = await db.fetch(
        f"SELECT {COLUMNS}, {order.expression} FROM {tables} {statement.where_clause}"
        f" ORDER BY {order.by(backward=False)} LIMIT {which.args.size + 1}",
        *statement.args,
    )
    return Page.of([_card(row) for row in rows], which.args, order, lambda card: card.id)


async def _metrics(
    db: Database, scope: Scope, which: WhichAgents, cards: Sequence[AgentCard] | None = None
) -> dict[int, Metrics]:
    """By the ids of agents, of those cards or of all; none of an agent without runs."""
    owners = None if cards is None else tuple(card.id for card in cards)
    found = await figures.read(db, scope, Question(which.range, which.runs, by=Dimension.AGENT, owners=owners))
    return {int(key): found.metrics(key) for key, _ in found.groups}


async def _scores(db: Database, cards: Sequence[AgentCard], formula: Formula, now: datetime) -> dict[int, list[float]]:
    since = pheromone_history.first_hour(SCORE_DAYS, now)
    kept = await pheromone_history.kept(db, [PheromoneKey(card.id, since) for card in cards])
    return {
        card.id: pheromone_history.scores(of_card, formula, since, now, every=SCORE_HOURS)
        for card, of_card in zip(cards, kept, strict=True)
    }


def _card(row: Iterable[Any]) -> AgentCard:
    *agent, project, version, cluster, tools, models, rank = row
    lists = [msgspec.json.decode(text, type=list[str]) if text else [] for text in (tools, models)]
    values = [*agents.with_status(agent), project, version, cluster, *lists, rank]
    return AgentCard(*values)
