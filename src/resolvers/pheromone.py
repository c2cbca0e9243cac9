"""Pheromone scores of agents, as they were kept hour by hour."""

from collections.abc import Sequence
from typing import TypeAlias

from ..db import Connection
from .question import Dimension, Group, Key, Question
from .scope import Scope
from .spans import HOUR, Bucket, floor
from .statement import Statement

KEYS: dict[Dimension | None, str] = {None: "0", Dimension.AGENT: "p.agent_id", Dimension.PROJECT: "a.project_id"}
Averages: TypeAlias = dict[Key, dict[Group, float]]
"""By owner (0 where a question is not within any) and group."""
FIELDS = frozenset({"project", "agent", "agent_id"})


async def averages(connection: Connection, scope: Scope, questions: Sequence[Question]) -> list[Averages]:
    """For each question the mean of the agents' scores: each agent with runs counts once, however many it has.

    What counts of an agent is the mean of its hourly scores, weighted by its finished runs in the hour. A score is
    an agent's as a whole and an hour's: where a question narrows or groups by anything else, there is none.
    """
    found: list[Averages] = [{} for _ in questions]
    statement = Statement()
    asked = [number for number, question in enumerate(questions) if _has_scores(question)]
    selects = [_averages(number, questions[number], statement, scope) for number in asked]
    if selects:
        for number, owner, key, start, score in await connection.fetch(" UNION ALL ".join(selects), *statement.args):
            found[number].setdefault(owner, {})[key, start] = score
    return found


def _has_scores(question: Question) -> bool:
    return (
        question.wants.pheromone
        and {question.by, question.within} <= KEYS.keys()
        and question.fields <= FIELDS
        and question.bucket is not Bucket.MINUTE
    )


def _averages(number: int, question: Question, statement: Statement, scope: Scope) -> str:
    bucket = question.bucket
    start = "NULL::timestamptz" if bucket is None else f"date_trunc('{bucket.lower()}', p.starts_at, 'UTC')"
    hours = _hours(Statement(args=statement.args), scope, question)
    return (
        f"SELECT {number}, owner, key, start, avg(score) FROM ("
        f"SELECT {KEYS[question.within]} AS owner, {KEYS[question.by]} AS key, {start} AS start,"
        " sum(p.score * p.runs) / sum(p.runs) AS score"
        " FROM pheromone_hour p JOIN agent a ON a.id = p.agent_id JOIN project o ON o.id = a.project_id"
        f" {hours.where_clause} GROUP BY 1, 2, 3, p.agent_id) agent GROUP BY 1, 2, 3, 4"
    )


def _hours(statement: Statement, scope: Scope, question: Question) -> Statement:
    where = question.where
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
