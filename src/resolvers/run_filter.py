"""Which runs: the filter of the API as conditions that the indexes of `run` can answer."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ..db import Database
from ..models.run import ERROR_WORDS, RunStatus, words_of
from ..rollups.fingerprint import ERRED, FINGERPRINT
from .ranges import TimeRange, resolve
from .scope import Scope
from .statement import Statement

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """What is None does not narrow. Of several values any may hold; of several fields all must.

    An empty text stands for the runs that state none, as it does in the keys of figures. `agent_id` are ids of agents;
    `parent` is the agent and the external id of the run that called; `error_text` are words of the error message, of
    which the last may be only begun; `fingerprint` are kinds of errors (see rollups/fingerprint.py); `tool` are tools
    of which the run called at least one. Durations are in milliseconds, costs in USD.
    """

    project: str | None = None
    agent: Texts | None = None
    agent_id: tuple[int, ...] | None = None
    version_id: int | None = None
    version: Texts | None = None
    status: tuple[RunStatus, ...] | None = None
    model: Texts | None = None
    provider: Texts | None = None
    initiator: Texts | None = None
    user: Texts | None = None
    session: Texts | None = None
    trace_id: str | None = None
    task_id: str | None = None
    parent: tuple[int, str] | None = None
    external_id: Texts | None = None
    error_type: Texts | None = None
    error_text: str | None = None
    fingerprint: Texts | None = None
    tool: Texts | None = None
    min_duration_ms: float | None = None
    max_duration_ms: float | None = None
    min_cost: Decimal | None = None
    range: TimeRange | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that must hold one of some values."""

    column: str
    values: Sequence[object]
    cast: str

    @property
    def takes_none(self) -> bool:
        """Whether it holds for the runs that state none; no index in the order of time has these."""
        return "" in self.values

    def apply(self, statement: Statement) -> None:
        column = f"coalesce({self.column}, '')" if self.takes_none else self.column
        statement.one_of(column, self.values, self.cast)


@dataclass(frozen=True, slots=True)
class Figure:
    """A column whose value must lie between two, both included."""

    column: str
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class ResolvedFilter:
    """A filter whose names have become ids: `choices`, the most selective first, and the filter for the rest.

    `error_words` are those of `error_text` as PostgreSQL splits them, in their order; `since` is the earliest start.
    """

    scope: Scope
    choices: list[Choice]
    where: RunFilter
    error_words: Sequence[str] = ()
    since: datetime | None = None

    @property
    def matches_nothing(self) -> bool:
        return any(not choice.values for choice in self.choices)

    @property
    def figures(self) -> list[Figure]:
        """What the filter says of durations and costs, which no index has in the order of time."""
        where = self.where
        found = []
        if where.min_duration_ms is not None or where.max_duration_ms is not None:
            most = math.inf if where.max_duration_ms is None else where.max_duration_ms
            found.append(Figure("duration_ms", where.min_duration_ms or 0, most))
        if where.min_cost is not None:
            found.append(Figure("cost", float(where.min_cost), math.inf))
        return found

    def apply(self, statement: Statement, *, except_: Choice | None = None) -> None:
        """Add the conditions, without the one choice that the caller takes care of."""
        for choice in self.choices:
            if choice is not except_:
                choice.apply(statement)
        _apply_the_rest(statement, self.where)
        if self.since is not None:
            statement.where("r.started_at >= {}", self.since)
        if self.error_words:
            query = statement.arg(_query(self.error_words))
            statement.conditions.append(f"r.error_message IS NOT NULL AND {ERROR_WORDS} @@ {query}::text::tsquery")
        if self.where.external_id is not None:
            _apply_external_ids(statement, self.scope, list(self.where.external_id))

    def apply_spelling(self, statement: Statement) -> None:
        """Add that the words stand in the message, be it as parts of others, which is quick to see."""
        for word in self.error_words:
            statement.where("strpos(lower(r.error_message), {}::text) > 0", word)


FIND_IDS = """
    SELECT
        ARRAY(
            SELECT p.id FROM project p
            WHERE p.slug = $1 AND ($4::bigint[] IS NULL OR p.id = ANY($4))) AS projects,
        ARRAY(
            SELECT a.id FROM agent a JOIN project p ON p.id = a.project_id
            WHERE a.name = ANY($2::text[]) AND ($1::text IS NULL OR p.slug = $1)
            AND ($4::bigint[] IS NULL OR a.project_id = ANY($4))) AS agents,
        ARRAY(
            SELECT v.id FROM agent_version v JOIN agent a ON a.id = v.agent_id JOIN project p ON p.id = a.project_id
            WHERE v.version = ANY($3::text[]) AND ($1::text IS NULL OR p.slug = $1)
            AND ($2::text[] IS NULL OR a.name = ANY($2)) AND ($5::bigint[] IS NULL OR a.id = ANY($5))
            AND ($4::bigint[] IS NULL OR a.project_id = ANY($4))) AS versions"""


FIND_WORDS = f"""
    SELECT ARRAY(
        SELECT lexeme FROM unnest({words_of("$1::text")}) AS word (lexeme, positions, weights)
        ORDER BY positions[cardinality(positions)])"""
"""Only PostgreSQL splits a text as it has split the error messages."""


async def resolve_names(db: Database, scope: Scope, where: RunFilter) -> ResolvedFilter:
    """Look up the ids behind the names of a filter, and the words of its text: a statement each, if it has such."""
    ids: dict[str, list[object]] = {"projects": [], "agents": [], "versions": []}
    if where.project is not None or where.agent is not None or where.version is not None:
        row = await db.fetchrow(
            FIND_IDS,
            where.project,
            _list(where.agent),
            _list(where.version),
            None if scope is None else sorted(scope),
            _list(where.agent_id),
        )
        ids = dict(row or {})
    words = await db.fetchval(FIND_WORDS, where.error_text) if where.error_text else ()
    return ResolvedFilter(scope, _choices(scope, where, ids), where, words)


def _choices(scope: Scope, where: RunFilter, ids: dict[str, list[object]]) -> list[Choice]:
    found = [
        Choice("r.trace_id", [where.trace_id], "text") if where.trace_id is not None else None,
        Choice("r.task_id", [where.task_id], "text") if where.task_id is not None else None,
        _texts("r.session_id", where.session),
        _texts("r.user_id", where.user),
        Choice("r.version_id", [where.version_id], "bigint") if where.version_id is not None else None,
        Choice("r.version_id", ids["versions"], "bigint") if where.version is not None else None,
        Choice("r.agent_id", list(where.agent_id), "bigint") if where.agent_id is not None else None,
        Choice("r.agent_id", ids["agents"], "bigint") if where.agent is not None else None,
        _texts("r.error_type", where.error_type),
        _texts("r.initiator", where.initiator),
        _texts("r.model", where.model),
        _texts("r.provider", where.provider),
        Choice("r.project_id", ids["projects"], "bigint") if where.project is not None else None,
        Choice("r.project_id", sorted(scope), "bigint") if scope is not None else None,
    ]
    return [choice for choice in found if choice is not None]


def _texts(column: str, values: Texts | None) -> Choice | None:
    return None if values is None else Choice(column, list(values), "text")


def _list(values: tuple[object, ...] | None) -> list[object] | None:
    return None if values is None else list(values)


def apply_range(statement: Statement, where: RunFilter) -> None:
    """Add the condition of the filter's range alone."""
    if where.range is not None:
        range_ = resolve(where.range)
        statement.where("r.started_at >= {} AND r.started_at < {}", range_.from_, range_.to)


def _apply_the_rest(statement: Statement, where: RunFilter) -> None:
    if where.status is not None:
        # Constants, not parameters: only so can the planner see that a partial index covers them.
        codes = ", ".join(str(int(status)) for status in where.status)
        statement.conditions.append(f"r.status IN ({codes})" if codes else "false")
    apply_range(statement, where)
    if where.parent is not None:
        statement.where("r.parent_agent_id = {} AND r.parent_external_id = {}", *where.parent)
    if where.min_duration_ms is not None or where.max_duration_ms is not None:
        statement.where(
            "coalesce(r.duration_ms, -1) >= {}::bigint", _bigint(math.ceil(max(where.min_duration_ms or 0, 0)))
        )
    if where.max_duration_ms is not None:
        statement.where("coalesce(r.duration_ms, -1) <= {}::bigint", _bigint(math.floor(where.max_duration_ms)))
    if where.min_cost is not None:
        statement.where("coalesce(r.cost, -1) >= {}::numeric", max(where.min_cost, Decimal(0)))
    if where.fingerprint is not None:
        fingerprints = statement.arg(list(where.fingerprint))
        statement.conditions.append(f"{ERRED} AND {FINGERPRINT} = ANY({fingerprints}::text[])")
    if where.tool is not None:
        statement.where("r.tools ?| {}::text[]", list(where.tool))


def _bigint(number: int) -> int:
    """A bound as the column's own type, which alone lets an index answer; -1 stands for an unknown duration."""
    return min(max(number, -2), 2**63 - 1)


def _query(words: Sequence[str]) -> str:
    """A tsquery that asks for all of the words, of which the last may be only begun, as while it is being typed.

    A common word that is only begun would have all its occurrences read, so it is the last alone.
    """
    quoted = ["'" + word.replace("\\", "\\\\").replace("'", "''") + "'" for word in words]
    return " & ".join(quoted) + ":*"


def _apply_external_ids(statement: Statement, scope: Scope, external_ids: list[str]) -> None:
    """Through run_key, whose key starts with the agent: one probe an agent and id."""
    agents = Statement(args=statement.args)
    agents.within("a.project_id", scope)
    statement.where(
        "(r.agent_id, r.id, r.started_at) IN ("
        "SELECT k.agent_id, k.run_id, k.started_at FROM agent a JOIN run_key k ON k.agent_id = a.id "
        f"AND k.external_id = ANY({{}}::text[]) {agents.where_clause})",
        external_ids,
    )
