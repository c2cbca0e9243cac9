"""Runs: reading one, pages of many under any filter, and counting them."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec

from ..db import Database
from ..ingest.row import RunRow
from ..models.run import CostSource, RunStatus
from . import sql_value
from .agents import RunError
from .page import Order, Page, PageArgs
from .run_filter import Choice, ResolvedFilter, RunFilter, resolve_names
from .scope import Scope
from .statement import Statement

MOST_PLANNED = 5
"""Up to so many values of a column are planned one by one."""
MOST_BRANCHES = 20
"""Up to so many values of a column are read as branches, each in index order, and merged."""
MOST_BOUNDED = 500
"""Up to so many, the newest run of each is looked up to know where to begin."""


@dataclass(frozen=True, slots=True)
class Run:
    """A row of `run` as it is stored; JSON columns are decoded when they are asked for."""

    agent_id: int
    id: int
    started_at: datetime
    project_id: int
    version_id: int
    status_code: int
    external_id: str | None
    queued_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    model: str | None
    provider: str | None
    models_json: str | None
    tools_json: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    time_to_first_token_ms: int | None
    cost: Decimal | None
    cost_source_code: int
    error_type: str | None
    error_message: str | None
    initiator: str | None
    task_id: str | None
    trace_id: str | None
    span_id: str | None
    parent_agent_id: int | None
    parent_external_id: str | None
    session_id: str | None
    user_id: str | None
    input_length: int | None
    output_length: int | None
    files_created: int | None
    files_modified: int | None
    messages: int
    pheromone_score: float | None
    metadata_json: str | None
    recorded_at: datetime

    @property
    def status(self) -> RunStatus:
        return RunStatus(self.status_code)

    @property
    def cost_source(self) -> CostSource:
        return CostSource(self.cost_source_code)

    @property
    def models(self) -> list[str]:
        return _texts(self.models_json)

    @property
    def tools(self) -> list[str]:
        return _texts(self.tools_json)

    @property
    def metadata(self) -> dict[str, Any]:
        return {} if self.metadata_json is None else msgspec.json.decode(self.metadata_json, type=dict[str, Any])

    @property
    def error(self) -> RunError | None:
        if not self.status.is_failure and self.error_type is None and self.error_message is None:
            return None
        at = self.ended_at or self.started_at
        return RunError(self.error_type, self.error_message, at, self.agent_id, self.id)


_STORED_AS = {
    "status_code": "status",
    "cost_source_code": "cost_source",
    "models_json": "models",
    "tools_json": "tools",
    "metadata_json": "metadata",
}
COLUMNS = ", ".join(f"r.{_STORED_AS.get(field.name, field.name)}" for field in fields(Run))

ORDERS: dict[str, Order[Run]] = {
    "STARTED": Order(
        "STARTED",
        "r.started_at",
        "timestamptz",
        lambda run: run.started_at.isoformat(),
        sql_value.instant,
        id_column="r.id",
    ),
    "DURATION": Order(
        "DURATION",
        "coalesce(r.duration_ms, -1)",
        "bigint",
        lambda run: -1 if run.duration_ms is None else run.duration_ms,
        sql_value.bigint,
        id_column="r.id",
    ),
    "COST": Order(
        "COST",
        "coalesce(r.cost, -1)",
        "numeric",
        lambda run: -1 if run.cost is None else run.cost,
        sql_value.numeric,
        id_column="r.id",
    ),
    "TOKENS": Order(
        "TOKENS",
        "coalesce(r.total_tokens, -1)",
        "bigint",
        lambda run: -1 if run.total_tokens is None else run.total_tokens,
        sql_value.bigint,
        id_column="r.id",
    ),
}
"""By the names of the contract's RunOrderField, ascending. An unknown value comes before every known one."""


def ordered(name: str, *, descending: bool) -> Order[Run]:
    return replace(ORDERS[name], descending=descending)


NEWEST_FIRST = ordered("STARTED", descending=True)

RUN_BY_ID = f"SELECT {COLUMNS} FROM run r WHERE r.agent_id = $1 AND r.id = $2"

RUNS_BY_IDS = f"""
    SELECT {COLUMNS} FROM unnest($1::bigint[], $2::bigint[]) AS n (agent_id, id)
    JOIN run r ON r.agent_id = n.agent_id AND r.id = n.id"""

RUNS_BY_EXTERNAL_IDS = f"""
    SELECT {COLUMNS} FROM unnest($1::bigint[], $2::text[]) AS n (agent_id, external_id)
    JOIN run_key k ON k.agent_id = n.agent_id AND k.external_id = n.external_id
    JOIN run r ON r.agent_id = k.agent_id AND r.id = k.run_id AND r.started_at = k.started_at"""


async def by_ids(db: Database, scope: Scope, keys: Sequence[tuple[int, int]]) -> list[Run | None]:
    """Runs by (agent id, run id), in that order; None for those that do not exist in the scope."""
    if len(keys) == 1:
        rows = await db.fetch(RUN_BY_ID, *keys[0])
    else:
        rows = await db.fetch(RUNS_BY_IDS, [agent_id for agent_id, _ in keys], [id_ for _, id_ in keys])
    found = {(run.agent_id, run.id): run for run in _visible(rows, scope)}
    return [found.get(key) for key in keys]


async def by_external_ids(db: Database, scope: Scope, keys: Sequence[tuple[int, str]]) -> list[Run | None]:
    """Runs by (agent id, external id), in that order; None for those that were not recorded (yet)."""
    rows = await db.fetch(RUNS_BY_EXTERNAL_IDS, [agent_id for agent_id, _ in keys], [text for _, text in keys])
    found = {(run.agent_id, run.external_id): run for run in _visible(rows, scope)}
    return [found.get(key) for key in keys]


async def page(db: Database, scope: Scope, args: PageArgs, where: RunFilter, order: Order[Run]) -> Page[Run]:
    """A page of the runs that a filter leaves."""
    resolved = await resolve_names(db, scope, where)
    if resolved.matches_nothing:
        return Page.of([], args, order, _id_of)
    statement = Statement()
    sql = _page_sql(statement, resolved, args, order)
    return Page.of([Run(*row) for row in await db.fetch_planned(sql, *statement.args)], args, order, _id_of)


async def pages(
    db: Database, scope: Scope, column: str, owners: Sequence[int], args: PageArgs, where: RunFilter, order: Order[Run]
) -> list[Page[Run]]:
    """For each owner (`agent_id` or `version_id`, the column) its page, all by one statement."""
    resolved = await resolve_names(db, scope, where)
    rows: dict[int, list[Run]] = {owner: [] for owner in owners}
    if not resolved.matches_nothing:
        statement = Statement()
        values = statement.arg(list(owners))
        branch = _branch_sql(statement, resolved, args, order, None, f"r.{column} = owner.id")
        sql = (
            f"SELECT owner.id, {COLUMNS} FROM unnest({values}::bigint[]) AS owner (id) CROSS JOIN LATERAL ({branch}) r"
            f" ORDER BY owner.id, {order.by(backward=args.backward)}"
        )
        for owner, *row in await db.fetch_planned(sql, *statement.args):
            rows[owner].append(Run(*row))
    return [Page.of(rows[owner], args, order, _id_of) for owner in owners]


async def count(db: Database, scope: Scope, where: RunFilter) -> int:
    """How many runs a filter leaves."""
    resolved = await resolve_names(db, scope, where)
    if resolved.matches_nothing:
        return 0
    statement = Statement()
    resolved.apply(statement)
    rows = await db.fetch_planned(f"SELECT count(*) FROM run r {statement.where_clause}", *statement.args)
    return int(rows[0][0])


async def counts(db: Database, scope: Scope, column: str, owners: Sequence[int], where: RunFilter) -> list[int]:
    """How many runs of each owner (`agent_id` or `version_id`, the column) a filter leaves."""
    resolved = await resolve_names(db, scope, where)
    if resolved.matches_nothing:
        return [0] * len(owners)
    statement = Statement()
    statement.one_of(f"r.{column}", owners, "bigint")
    resolved.apply(statement)
    rows = await db.fetch_planned(
        f"SELECT r.{column}, count(*) FROM run r {statement.where_clause} GROUP BY r.{column}", *statement.args
    )
    found = {row[column]: row["count"] for row in rows}
    return [found.get(owner, 0) for owner in owners]


def of_row(row: RunRow) -> Run:
    """A run as it has just been written."""
    return Run(**{field.name: getattr(row, _STORED_AS.get(field.name, field.name)) for field in fields(Run)})


def _page_sql(statement: Statement, resolved: ResolvedFilter, args: PageArgs, order: Order[Run]) -> str:
    """One scan in index order; where a column may hold several values, one such scan a value, merged."""
    if len(parts := _parts(resolved, order)) > 1:
        return _union_sql(statement, parts, args, order)
    branches = _branches(resolved, order)
    if branches is None:
        if order.name == "STARTED" and (many := _too_many_to_branch(resolved)):
            _bound(statement, many, newest=order.descending != args.backward)
        return _branch_sql(statement, resolved, args, order, None, None)
    values = statement.arg(branches.values)
    branch = _branch_sql(statement, resolved, args, order, branches, f"{branches.column} = branch.value")
    return (
        f"SELECT {COLUMNS} FROM unnest({values}::{branches.cast}[]) AS branch (value) CROSS JOIN LATERAL ({branch}) r"
        f" ORDER BY {order.by(backward=args.backward)} LIMIT {args.size + 1}"
    )


def _branches(resolved: ResolvedFilter, order: Order[Run]) -> Choice | None:
    """The column to branch on: the most selective one, if it has several values but not too many."""
    if order.name != "STARTED" or not resolved.choices:
        return None
    choice = resolved.choices[0]
    return choice if 1 < len(choice.values) <= MOST_BRANCHES else None


def _too_many_to_branch(resolved: ResolvedFilter) -> Choice | None:
    first = resolved.choices[0] if resolved.choices else None
    return first if first is not None and MOST_BRANCHES < len(first.values) <= MOST_BOUNDED else None


def _bound(statement: Statement, choice: Choice, *, newest: bool) -> None:
    """Begin the scan through all runs where the first of the chosen ones lies: those of an old version lie far back."""
    end, direction, comparison = ("max", "DESC", "<=") if newest else ("min", "ASC", ">=")
    statement.where(
        f"r.started_at {comparison} (SELECT {end}(started_at)"
        f" FROM unnest({{}}::{choice.cast}[]) AS choice (value) CROSS JOIN LATERAL ("
        f"SELECT r.started_at FROM run r WHERE {choice.column} = choice.value"
        f" ORDER BY r.started_at {direction} LIMIT 1) AS first)",
        list(choice.values),
    )


def _parts(resolved: ResolvedFilter, order: Order[Run]) -> list[ResolvedFilter]:
    """A filter for each of a few values, so that each is planned for how often it occurs, or none.

    Of statuses it takes a constant each, since partial indexes are of no use to a parameter; most runs have SUCCEEDED,
    for which there is none.
    """
    where, choices = resolved.where, resolved.choices
    if order.name != "STARTED":
        return []
    if choices:
        values = tuple(dict.fromkeys(choices[0].values)) if len(choices[0].values) <= MOST_PLANNED else ()
        return [replace(resolved, choices=[replace(choices[0], values=[value]), *choices[1:]]) for value in values]
    statuses = tuple(dict.fromkeys(where.status or ()))
    if RunStatus.SUCCEEDED in statuses:
        return []
    return [replace(resolved, where=replace(where, status=(status,))) for status in statuses]


def _union_sql(statement: Statement, parts: list[ResolvedFilter], args: PageArgs, order: Order[Run]) -> str:
    branches = [f"({_branch_sql(Statement(statement.args), part, args, order, None, None)})" for part in parts]
    return (
        f"SELECT {COLUMNS} FROM ({' UNION ALL '.join(branches)}) r"
        f" ORDER BY {order.by(backward=args.backward)} LIMIT {args.size + 1}"
    )


def _branch_sql(
    statement: Statement,
    resolved: ResolvedFilter,
    args: PageArgs,
    order: Order[Run],
    except_: Choice | None,
    condition: str | None,
) -> str:
    if condition is not None:
        statement.conditions.append(condition)
    resolved.apply(statement, except_=except_)
    args.bounds(statement, order)
    return (
        f"SELECT {COLUMNS} FROM run r {statement.where_clause}"
        f" ORDER BY {order.by(backward=args.backward)} LIMIT {args.size + 1}"
    )


def _visible(rows: Sequence[asyncpg.Record], scope: Scope) -> list[Run]:
    return [Run(*row) for row in rows if scope is None or row["project_id"] in scope]


def _id_of(run: Run) -> int:
    return run.id


def _texts(json: str | None) -> list[str]:
    return [] if json is None else msgspec.json.decode(json, type=list[str])
