"""Pheromone scores of agents, as they were kept hour by hour."""

from collections.abc import Sequence
from typing import TypeAlias

from ..db import Connection
from .question import Dimension, Group, Key, Question
from .scope import Scope
from .spans import HOUR, Bucket, floor, start_sql
from .statement import Statement

KEYS: dict[Dimension | None, str] = {
    None: "0",
    Dimension.AGENT: "s.agent_id",
    Dimension.PROJECT: "(SELECT a.project_id FROM agent a WHERE a.id = s.agent_id)",
}
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
    keys = f"{KEYS[question.within]}, {KEYS[question.by]}"
    of_agents = _of_agents(question.bucket, _hours(Statement(args=statement.args), scope, question))
    return f"SELECT {number}, {keys}, s.start, avg(s.score) FROM ({of_agents}) s GROUP BY 1, 2, 3, 4"


def _of_agents(bucket: Bucket | None, hours: str) -> str:
    """The score of each agent in each bucket. By hours that is the very one that is kept."""
    if bucket is Bucket.HOUR:
        return f"SELECT p.agent_id, p.starts_at AS start, p.score FROM pheromone_hour p {hours}"
    start = "NULL::timestamptz" if bucket is None else start_sql(bucket, "p.starts_at")
    mean = "sum(p.score * p.runs) / sum(p.runs)"
    return f"SELECT p.agent_id, {start} AS start, {mean} AS score FROM pheromone_hour p {hours} GROUP BY 1, 2"


def _hours(statement: Statement, scope: Scope, question: Question) -> str:
    where, owned = question.where, question.within or question.by
    statement.where("p.runs > 0")
    statement.where("p.starts_at >= {} AND p.starts_at < {}", floor(question.range.from_, HOUR), question.range.to)
    if where.agent_id is not None:
        statement.where("p.agent_id = ANY({}::bigint[])", list(where.agent_id))
    if question.owners is not None and owned is Dimension.AGENT:
        statement.where("p.agent_id = ANY({}::bigint[])", list(question.owners))
    agents = Statement(args=statement.args)
    agents.within("a.project_id", scope)
    if question.owners is not None and owned is Dimension.PROJECT:
        agents.where("a.project_id = ANY({}::bigint[])", list(question.owners))
    if where.project is not None:
        agents.where("a.project_id = (SELECT o.id FROM project o WHERE o.slug = {}::text)", where.project)
    if where.agent is not None:
        agents.where("a.name = ANY({}::text[])", list(where.agent))
    if agents.conditions:
        statement.conditions.append(f"p.agent_id IN (SELECT a.id FROM agent a {agents.where_clause})")
    return statement.where_clause
