"""Agents: what they are, how they stand, and lists of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ..db import Database
from ..models.agent import FIRST_PHEROMONE_SCORE
from . import sql_value
from .page import Order, Page, PageArgs
from .scope import Scope
from .statement import Statement

FAILURES_TO_ERROR = 3
"""So many failed runs in a row make an agent's status ERROR."""


class AgentStatus(StrEnum):
    """How an agent stands; the first of these that holds.

    DISABLED: switched off by a person. ERROR: its last three finished runs or more failed.
    BUSY: a run of it that started in the last 24 hours is running. IDLE: otherwise.
    """

    DISABLED = "DISABLED"
    ERROR = "ERROR"
    BUSY = "BUSY"
    IDLE = "IDLE"


@dataclass(frozen=True, slots=True)
class RunError:
    """What went wrong in a run, and when it ended."""

    type: str | None
    message: str | None
    at: datetime
    agent_id: int
    run_id: int


@dataclass(frozen=True, slots=True)
class Agent:
    """`status` and the last five fields are as of the moment of reading."""

    id: int
    project_id: int
    name: str
    display_name: str
    focus_type: str | None
    status: AgentStatus
    pheromone_score: float
    consecutive_failures: int
    created_at: datetime
    last_active_at: datetime | None
    last_error_type: str | None
    last_error_message: str | None
    last_error_at: datetime | None
    last_error_run_id: int | None

    @property
    def uptime_seconds(self) -> int:
        """Whole seconds since the agent was first registered."""
        return int((datetime.now(UTC) - self.created_at).total_seconds())

    @property
    def last_error(self) -> RunError | None:
        if self.last_error_at is None or self.last_error_run_id is None:
            return None
        return RunError(
            self.last_error_type, self.last_error_message, self.last_error_at, self.id, self.last_error_run_id
        )


@dataclass(frozen=True, slots=True)
class RankedAgent(Agent):
    """An agent in a list that is sorted by a figure, and that figure."""

    figure: Decimal


@dataclass(frozen=True, slots=True)
class AgentFilter:
    """Which agents; what is None does not narrow. `search` looks for a text in the names, ignoring case."""

    project: str | None = None
    name: tuple[str, ...] | None = None
    status: tuple[AgentStatus, ...] | None = None
    search: str | None = None
    focus_type: tuple[str, ...] | None = None


BUSY_SQL = """EXISTS (
    SELECT FROM run r
    WHERE r.agent_id = a.id AND r.status = 1 AND r.status IN (0, 1) AND r.started_at > now() - interval '24 hours')"""

STATUS_SQL = f"""CASE
    WHEN a.disabled THEN 'DISABLED'
    WHEN s.consecutive_failures >= {FAILURES_TO_ERROR} THEN 'ERROR'
    WHEN {BUSY_SQL} THEN 'BUSY'
    ELSE 'IDLE' END"""

COLUMNS = f"""a.id, a.project_id, a.name, coalesce(a.display_name, a.name), a.focus_type, {STATUS_SQL} AS status,
    coalesce(s.pheromone_score, {FIRST_PHEROMONE_SCORE}), coalesce(s.consecutive_failures, 0), a.created_at,
    s.last_active_at, s.last_error_type, s.last_error_message, s.last_error_at, s.last_error_run_id"""

TABLES = "agent a JOIN project p ON p.id = a.project_id LEFT JOIN agent_state s ON s.agent_id = a.id"

TOTALS = """ CROSS JOIN LATERAL (
    SELECT coalesce(sum(t.runs), 0) AS runs, coalesce(sum(t.cost), 0) AS cost, coalesce(
        coalesce(sum(t.runs) FILTER (WHERE t.status IN (3, 5)), 0)
        / nullif(sum(t.runs) FILTER (WHERE t.status IN (2, 3, 5)), 0), -1) AS error_rate
    FROM run_total t WHERE t.agent_id = a.id) f"""

_STATUS_FIELD = [field.name for field in fields(Agent)].index("status")


def _figure(agent: Agent) -> Decimal:
    if not isinstance(agent, RankedAgent):
        raise TypeError("the agent was not read in an order by a figure")
    return agent.figure


ORDERS: dict[str, Order[Agent]] = {
    "NAME": Order("NAME", 'a.name COLLATE "C"', "text", lambda agent: agent.name, str, id_column="a.id"),
    "PHEROMONE_SCORE": Order(
        "PHEROMONE_SCORE",
        f"coalesce(s.pheromone_score, {FIRST_PHEROMONE_SCORE})",
        "float8",
        lambda agent: repr(agent.pheromone_score),
        float,
        id_column="a.id",
    ),
    "LAST_ACTIVE": Order(
        "LAST_ACTIVE",
        "coalesce(s.last_active_at, 'epoch')",
        "timestamptz",
        lambda agent: (agent.last_active_at or datetime.fromtimestamp(0, UTC)).isoformat(),
        sql_value.instant,
        id_column="a.id",
    ),
    "CREATED": Order(
        "CREATED",
        "a.created_at",
        "timestamptz",
        lambda agent: agent.created_at.isoformat(),
        sql_value.instant,
        id_column="a.id",
    ),
}
"""By the names of the contract's AgentOrderField. An agent that was never active is the least recent."""

FIGURE_ORDERS: dict[str, Order[Agent]] = {
    name: Order(name, f"f.{column}", "numeric", _figure, sql_value.numeric, id_column="a.id")
    for name, column in (("RUNS", "runs"), ("ERROR_RATE", "error_rate"), ("COST", "cost"))
}
"""Those by figures of all time, as far as they are folded. Without an outcome an error rate is less than any."""


def ordered(name: str, *, descending: bool) -> Order[Agent]:
    return replace((ORDERS | FIGURE_ORDERS)[name], descending=descending)


async def page(db: Database, scope: Scope, args: PageArgs, where: AgentFilter, order: Order[Agent]) -> Page[Agent]:
    statement = _matching(scope, where)
    args.bounds(statement, order)
    rows = await db.fetch(
        f"SELECT {_columns(order)} FROM {_tables(order)} {statement.where_clause}"
        f" ORDER BY {order.by(backward=args.backward)} LIMIT {args.size + 1}",
        *statement.args,
    )
    return Page.of([_listed(row, order) for row in rows], args, order, _id_of)


async def count(db: Database, scope: Scope, where: AgentFilter) -> int:
    statement = _matching(scope, where)
    return int(await db.fetchval(f"SELECT count(*) FROM {TABLES} {statement.where_clause}", *statement.args))


async def pages(
    db: Database, scope: Scope, project_ids: Sequence[int], args: PageArgs, where: AgentFilter, order: Order[Agent]
) -> list[Page[Agent]]:
    """For each project a page of its agents, all by one statement."""
    statement = _matching(scope, where)
    statement.conditions.append("a.project_id = owner.id")
    args.bounds(statement, order)
    rows = await db.fetch(
        f"SELECT a.* FROM unnest({statement.arg(list(project_ids))}::bigint[]) AS owner (id) CROSS JOIN LATERAL ("
        f"SELECT {_columns(order)}, row_number() OVER (ORDER BY {order.by(backward=args.backward)}) AS place"
        f" FROM {_tables(order)} {statement.where_clause} ORDER BY place LIMIT {args.size + 1}) a ORDER BY a.place",
        *statement.args,
    )
    found: dict[int, list[Agent]] = {project_id: [] for project_id in project_ids}
    for *values, _place in rows:
        agent = _listed(values, order)
        found[agent.project_id].append(agent)
    return [Page.of(found[project_id], args, order, _id_of) for project_id in project_ids]


async def counts(db: Database, scope: Scope, project_ids: Sequence[int], where: AgentFilter) -> list[int]:
    """How many agents of each project a filter leaves."""
    statement = _matching(scope, where)
    statement.one_of("a.project_id", project_ids, "bigint")
    rows = await db.fetch(
        f"SELECT a.project_id, count(*) FROM {TABLES} {statement.where_clause} GROUP BY a.project_id", *statement.args
    )
    found = {row["project_id"]: row["count"] for row in rows}
    return [found.get(project_id, 0) for project_id in project_ids]


async def by_ids(db: Database, scope: Scope, ids: list[int]) -> list[Agent | None]:
    """Agents in the order of their ids; None for those that do not exist in the scope."""
    statement = Statement()
    statement.within("a.project_id", scope)
    statement.where("a.id = ANY({}::bigint[])", ids)
    rows = await db.fetch(f"SELECT {COLUMNS} FROM {TABLES} {statement.where_clause}", *statement.args)
    found = {row["id"]: _agent(row) for row in rows}
    return [found.get(id_) for id_ in ids]


async def by_name(db: Database, scope: Scope, project: str, name: str) -> Agent | None:
    found = await page(db, scope, PageArgs(first=1), AgentFilter(project=project, name=(name,)), ORDERS["NAME"])
    return found.items[0] if found.items else None


def _columns(order: Order[Agent]) -> str:
    return f"{COLUMNS}, {order.expression}" if order.name in FIGURE_ORDERS else COLUMNS


def _tables(order: Order[Agent]) -> str:
    return TABLES + TOTALS if order.name in FIGURE_ORDERS else TABLES


def _listed(row: Iterable[Any], order: Order[Agent]) -> Agent:
    return (RankedAgent if order.name in FIGURE_ORDERS else Agent)(*with_status(row))


def _id_of(agent: Agent) -> int:
    return agent.id


def _agent(row: Iterable[Any]) -> Agent:
    return Agent(*with_status(row))


def with_status(row: Iterable[Any]) -> list[Any]:
    """The values of a row of COLUMNS as the fields of `Agent`."""
    values: list[Any] = list(row)
    values[_STATUS_FIELD] = AgentStatus(values[_STATUS_FIELD])
    return values


def _matching(scope: Scope, where: AgentFilter) -> Statement:
    statement = Statement()
    narrow(statement, scope, where)
    return statement


def narrow(statement: Statement, scope: Scope, where: AgentFilter) -> None:
    """Add the conditions of a scope and a filter on TABLES."""
    statement.within("a.project_id", scope)
    if where.project is not None:
        statement.where("p.slug = {}::text", where.project)
    if where.name is not None:
        statement.where("a.name = ANY({}::text[])", list(where.name))
    if where.focus_type is not None:
        statement.where("a.focus_type = ANY({}::text[])", list(where.focus_type))
    if where.status is not None:
        statement.where(f"{STATUS_SQL} = ANY({{}}::text[])", [status.value for status in where.status])
    if where.search:
        statement.where("concat_ws(' ', a.name, a.display_name) ILIKE {}::text", f"%{_escape_like(where.search)}%")


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
