"""The three layers that figures can be read from: runs (`r`), cells of agents and cells of projects (both `c`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .question import Dimension, Question
from .run_filter import ResolvedFilter, RunFilter
from .statement import Statement


@dataclass(frozen=True, slots=True)
class Layer:
    """By which dimensions a layer can group (None: all in one), and by which fields of a filter it can narrow.

    `only` are the runs that a dimension is of, where these are not all; `people` is whether users and sessions are
    known.
    """

    name: str
    keys: Mapping[Dimension | None, str]
    only: Mapping[Dimension | None, str]
    fields: frozenset[str]
    narrow: Callable[[Statement, ResolvedFilter], None]
    people: bool = True

    def can_answer(self, question: Question) -> bool:
        return (
            question.by in self.keys
            and question.within in self.keys
            and question.fields <= self.fields
            and (self.people or not question.wants.people)
        )


def _narrow_runs(statement: Statement, where: ResolvedFilter) -> None:
    where.apply(statement)


def _narrow_agents(statement: Statement, where: ResolvedFilter) -> None:
    for choice in where.choices:
        if choice.column == "r.project_id":
            owned = Statement(args=statement.args)
            owned.one_of("a.project_id", choice.values, choice.cast)
            statement.conditions.append(f"c.agent_id IN (SELECT a.id FROM agent a {owned.where_clause})")
            continue
        statement.one_of(choice.column.replace("r.", "c."), choice.values, choice.cast)
        if choice.column == "r.version_id":  # the index is by agent
            statement.where(
                "c.agent_id IN (SELECT v.agent_id FROM agent_version v WHERE v.id = ANY({}::bigint[]))",
                list(choice.values),
            )
    _narrow_status(statement, where.where)


def _narrow_projects(statement: Statement, where: ResolvedFilter) -> None:
    for choice in where.choices:
        statement.one_of(choice.column.replace("r.", "c."), choice.values, choice.cast)
    _narrow_status(statement, where.where)


def _narrow_status(statement: Statement, where: RunFilter) -> None:
    if where.status is not None:
        statement.where("c.status = ANY({}::smallint[])", [int(status) for status in where.status])


PROJECTS = Layer(
    "projects",
    {None: "0", Dimension.STATUS: "c.status", Dimension.PROJECT: "c.project_id"},
    {},
    frozenset({"project", "status"}),
    _narrow_projects,
    people=False,
)

AGENTS = Layer(
    "agents",
    {
        None: "0",
        Dimension.AGENT: "c.agent_id",
        Dimension.VERSION: "c.version_id",
        Dimension.MODEL: "c.model",
        Dimension.PROVIDER: "c.provider",
        Dimension.STATUS: "c.status",
        Dimension.ERROR_TYPE: "c.error_type",
        Dimension.PROJECT: "(SELECT a.project_id FROM agent a WHERE a.id = c.agent_id)",
    },
    {Dimension.ERROR_TYPE: "(c.error_type <> '' OR c.status IN (3, 5))"},
    PROJECTS.fields | {"agent", "agent_id", "version", "version_id", "model", "provider", "error_type"},
    _narrow_agents,
)

RUNS = Layer(
    "runs",
    {
        None: "0",
        Dimension.AGENT: "r.agent_id",
        Dimension.VERSION: "r.version_id",
        Dimension.MODEL: "coalesce(r.model, '')",
        Dimension.PROVIDER: "coalesce(r.provider, '')",
        Dimension.STATUS: "r.status",
        Dimension.ERROR_TYPE: "coalesce(r.error_type, '')",
        Dimension.INITIATOR: "coalesce(r.initiator, '')",
        Dimension.PROJECT: "r.project_id",
    },
    {Dimension.ERROR_TYPE: "(coalesce(r.error_type, '') <> '' OR r.status IN (3, 5))"},
    frozenset(RunFilter.__dataclass_fields__),
    _narrow_runs,
)
