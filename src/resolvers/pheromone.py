"""Pheromone scores of agents, as they were kept hour by hour."""

from typing import TypeAlias

from ..db import Database
from .question import Dimension, Group, Question
from .scope import Scope
from .spans import HOUR, Bucket, floor
from .statement import Statement

KEYS: dict[Dimension | None, str] = {None: "0", Dimension.AGENT: "p.agent_id", Dimension.PROJECT: "a.project_id"}
Averages: TypeAlias = dict[int, dict[Group, float]]
"""By owner (0 where a question is not within any) and group."""
FIELDS = frozenset({"project", "agent", "agent_id"})


async def averages(db: Database, scope: Scope, question: Question) -> Averages:
    """The mean of the agents' scores: each agent with runs counts once, however many it has.

    What counts of an agent is the mean of its hourly scores, weighted by its finished runs in the hour. A score is
    an agent's as a whole and an hour's: where a question narrows or groups by anything else, there is none.
    """
    if not {question.by, question.within} <= KEYS.keys() or not question.fields <= FIELDS:
        return {}
    if question.bucket is Bucket.MINUTE:
        return {}
    statement = _hours(scope, question)
    bucket = question.bucket
    start = "NULL::timestamptz" if bucket is None else f"date_trunc('{bucket.lower()}', p.starts_at, 'UTC')"
    rows = await db.fetch(
        "SELECT owner, key, start, avg(score) FROM ("
        f"SELECT {KEYS[question.within]} AS owner, {KEYS[question.by]} AS key, {start} AS start,"
        " sum(p.score * p.runs) / sum(p.runs) AS score"
        " FROM pheromone_hour p JOIN agent a ON a.id = p.agent_id JOIN project o ON o.id = a.project_id"
        f" {statement.where_clause} GROUP BY 1, 2, 3, p.agent_id) agent GROUP BY 1, 2, 3",
        *statement.args,
    )
    averages: Averages = {}
    for owner, key, at, score in rows:
        averages.setdefault(owner, {})[key, at] = score
    return averages


def _hours(scope: Scope, question: Question) -> Statement:
    statement, where = Statement(), question.where
    statement.where("p.runs > 0")
    statement.where("p.starts_at >= {} AND p.starts_at < {}", floor(question.range.from_, HOUR), question.range.to)
    statement.within("a.project_id", scope)
    if question.owners is not None:
        statement.where(f"{KEYS[question.within or question.by]} = ANY({{}}::bigint[])", list(question.owners))
    if where.project is not None:
        statement.where("o.slug = {}::text", where.project)
    if where.agent is not None:
        statement.where("a.name = ANY({}::text[])", list(where.agent))
    if where.agent_id is not None:
        statement.where("p.agent_id = ANY({}::bigint[])", list(where.agent_id))
    return statement
