"""Pages of runs under any filter, and counting them: statements that PostgreSQL can answer in index order."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg

from ..db import Database
from ..models.run import RunStatus
from ..partitions import monday_of, partition_name
from .page import Order, Page, PageArgs
from .run_filter import Choice, ResolvedFilter, RunFilter, apply_range, resolve_names
from .runs import COLUMNS, Run
from .scope import Scope
from .statement import Statement

MOST_PLANNED = 5
"""Up to so many values of a column are planned one by one."""
MOST_BRANCHES = 20
"""Up to so many values of a column are read as branches, each in index order, and merged."""
MOST_BOUNDED = 500
"""Up to so many, the newest run of each is looked up to know where to begin."""
NEWEST_ERRORS = 1_000
"""So many are looked through for words, in 1 ms, before the index of words is asked."""
MOST_SORTED = 2_000
"""So many runs are never sorted for a page, but found in its order: then they are frequent enough."""

IS_FREQUENT = """
    SELECT (
        SELECT count(*) > 1 FROM unnest(histogram_bounds::text::float8[]) AS bound WHERE bound BETWEEN $3 AND $4
    ) OR (
        SELECT coalesce(sum(share), 0) > 0.002
        FROM unnest(most_common_vals::text::float8[], most_common_freqs) AS common (value, share)
        WHERE value BETWEEN $3 AND $4
    )
    FROM pg_stats
    WHERE schemaname = ANY(current_schemas(false)) AND tablename = $1 AND attname = $2"""
"""Whether runs with such a figure are surely frequent in a partition; null where nothing is known of it.

A whole class of the histogram is one in a hundred. Of the most common values the shares are known, and from one in five
hundred on a scan in the order of time takes less than 4 ms.
"""


async def page(db: Database, scope: Scope, args: PageArgs, where: RunFilter, order: Order[Run]) -> Page[Run]:
    """A page of the runs that a filter leaves."""
    resolved = await resolve_names(db, scope, where)
    if resolved.matches_nothing:
        return Page.of([], args, order, _id_of)
    found = await _among_few(db, resolved, args, order) if await _may_be_few(db, resolved, order) else None
    if found is None:
        found = await _in_order(db, resolved, args, order)
    return Page.of(found, args, order, _id_of)


async def pages(
    db: Database, scope: Scope, column: str, owners: Sequence[int], args: PageArgs, where: RunFilter, order: Order[Run]
) -> list[Page[Run]]:
    """For each owner (`agent_id` or `version_id`, the column) its page, all by one statement."""
    resolved = await resolve_names(db, scope, where)
    rows: dict[int, list[Run]] = {owner: [] for owner in owners}
    if not resolved.matches_nothing:
        statement = Statement()
        values = statement.arg(list(owners))
        branch = _branch_sql(statement, resolved, args, order, condition=f"r.{column} = owner.id")
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


async def _in_order(db: Database, resolved: ResolvedFilter, args: PageArgs, order: Order[Run]) -> list[Run]:
    """The runs of a page by scans that give them in its order.

    Words that occur together are far more frequent than PostgreSQL thinks, which takes them for independent: it reads
    and sorts all of their occurrences. So the newest are looked for among the newest errors first, and then in the last
    partitions.
    """
    looks_back = len(resolved.error_words) > 1 and _is_newest_first(args, order)
    rows = await _among_newest_errors(db, resolved, args, order) if looks_back else []
    if len(rows) > args.size:
        return [Run(*row) for row in rows]
    for since in (*(_beginnings() if looks_back else ()), None):
        statement = Statement()
        sql = _page_sql(statement, replace(resolved, since=since), args, order)
        # Without values there is nothing to plan anew for.
        rows = await (db.fetch_planned(sql, *statement.args) if statement.args else db.fetch(sql))
        if len(rows) > args.size:
            break
    return [Run(*row) for row in rows]


async def _among_newest_errors(
    db: Database, resolved: ResolvedFilter, args: PageArgs, order: Order[Run]
) -> list[asyncpg.Record]:
    """What a filter with words leaves of the last so many errors, up to a page."""
    errors = Statement(conditions=["r.error_message IS NOT NULL"])
    apply_range(errors, resolved.where)
    args.bounds(errors, order)
    in_order = order.by(backward=args.backward)
    newest = f"SELECT r.* FROM run r {errors.where_clause} ORDER BY {in_order} LIMIT {NEWEST_ERRORS}"
    statement = Statement(errors.args)
    resolved.apply_spelling(statement)
    resolved.apply(statement)
    # By fetch, for there is one good plan whatever the values.
    return await db.fetch(
        f"SELECT {COLUMNS} FROM ({newest}) r {statement.where_clause} ORDER BY {in_order} LIMIT {args.size + 1}",
        *statement.args,
    )


def _beginnings() -> list[datetime]:
    """How far back to look, step by step until the page is full."""
    monday = monday_of(datetime.now(UTC))
    return [monday, monday - timedelta(weeks=1)]


async def _may_be_few(db: Database, resolved: ResolvedFilter, order: Order[Run]) -> bool:
    """Whether durations or costs as the filter wants them may be seldom, as far as PostgreSQL's statistics tell.

    They count values in classes of one in a hundred. Within one, and there lie all outliers, PostgreSQL thinks that
    values are spread evenly; it would then read all runs in the order of time for a page of which there is nothing.
    """
    if order.name != "STARTED":
        return False
    table = partition_name(monday_of(datetime.now(UTC)))
    for figure in resolved.figures:
        if not await db.fetchval(IS_FREQUENT, table, figure.column, figure.least, figure.most):
            return True
    return False


async def _among_few(db: Database, resolved: ResolvedFilter, args: PageArgs, order: Order[Run]) -> list[Run] | None:
    """The runs of a page by sorting all that the filter leaves; None where those are too many for that."""
    newest = [monday_of(datetime.now(UTC))] if _is_newest_first(args, order) else []
    for since in (*newest, None):
        statement = Statement()
        replace(resolved, since=since).apply(statement)
        args.bounds(statement, order)
        rows = await db.fetch_planned(
            f"SELECT {COLUMNS}, r.found FROM (SELECT r.*, count(*) OVER () AS found FROM ("
            f"SELECT {COLUMNS} FROM run r {statement.where_clause} LIMIT {MOST_SORTED}) r) r"
            f" ORDER BY {order.by(backward=args.backward)} LIMIT {args.size + 1}",
            *statement.args,
        )
        if rows and rows[0]["found"] == MOST_SORTED:
            return None
        if len(rows) > args.size or since is None:
            return [Run(*row[:-1]) for row in rows]
    return None


def _is_newest_first(args: PageArgs, order: Order[Run]) -> bool:
    return order.name == "STARTED" and order.descending != args.backward


def _page_sql(statement: Statement, resolved: ResolvedFilter, args: PageArgs, order: Order[Run]) -> str:
    """One scan in index order; where a column may hold several values, one such scan a value, merged."""
    if len(parts := _parts(resolved, order)) > 1:
        return _union_sql(statement, parts, args, order)
    branches = _branches(resolved, order)
    if branches is None:
        if order.name == "STARTED" and (many := _too_many_to_branch(resolved)):
            _bound(statement, many, newest=order.descending != args.backward)
        return _branch_sql(statement, resolved, args, order)
    values = statement.arg(branches.values)
    branch = _branch_sql(
        statement, resolved, args, order, except_=branches, condition=f"{branches.column} = branch.value"
    )
    return (
        f"SELECT {COLUMNS} FROM unnest({values}::{branches.cast}[]) AS branch (value) CROSS JOIN LATERAL ({branch}) r"
        f" ORDER BY {order.by(backward=args.backward)} LIMIT {args.size + 1}"
    )


def _branches(resolved: ResolvedFilter, order: Order[Run]) -> Choice | None:
    """The column to branch on: the most selective one, if it has several values but not too many."""
    if order.name != "STARTED" or not resolved.choices:
        return None
    choice = resolved.choices[0]
    return choice if 1 < len(choice.values) <= MOST_BRANCHES and not choice.takes_none else None


def _too_many_to_branch(resolved: ResolvedFilter) -> Choice | None:
    first = resolved.choices[0] if resolved.choices else None
    if first is None or first.takes_none:
        return None
    return first if MOST_BRANCHES < len(first.values) <= MOST_BOUNDED else None


_LAST_ACTIVE = {
    "r.version_id": "SELECT max(last_seen_at) FROM version_state WHERE version_id = ANY({}::bigint[])",
    "r.agent_id": "SELECT max(last_active_at) FROM agent_state WHERE agent_id = ANY({}::bigint[])",
}
"""No run of these starts later than this."""


def _bound(statement: Statement, choice: Choice, *, newest: bool) -> None:
    """Begin the scan through all runs where the chosen ones may begin: those of an old version lie far back."""
    if newest and choice.column in _LAST_ACTIVE:
        statement.where(f"r.started_at <= ({_LAST_ACTIVE[choice.column]})", list(choice.values))
        return
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
    branches = [f"({_branch_sql(Statement(statement.args), part, args, order)})" for part in parts]
    return (
        f"SELECT {COLUMNS} FROM ({' UNION ALL '.join(branches)}) r"
        f" ORDER BY {order.by(backward=args.backward)} LIMIT {args.size + 1}"
    )


def _branch_sql(
    statement: Statement,
    resolved: ResolvedFilter,
    args: PageArgs,
    order: Order[Run],
    *,
    except_: Choice | None = None,
    condition: str | None = None,
) -> str:
    if condition is not None:
        statement.conditions.append(condition)
    resolved.apply(statement, except_=except_)
    args.bounds(statement, order)
    return (
        f"SELECT {COLUMNS} FROM run r {statement.where_clause}"
        f" ORDER BY {order.by(backward=args.backward)} LIMIT {args.size + 1}"
    )


def _id_of(run: Run) -> int:
    return run.id
