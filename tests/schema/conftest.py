from collections.abc import Callable, Coroutine
from typing import Any, TypeAlias

import msgspec
import pytest

from formicary.auth import Principal
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models import Role
from formicary.schema import schema
from formicary.schema.context import Context
from formicary.schema.operation import GraphQLRequest, GraphQLResult, Operations

Ask: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
def answer(db: Database) -> Callable[..., Coroutine[Any, Any, GraphQLResult]]:
    """Executes a query of the real schema; `projects` binds the caller to the ids of some."""
    operations, recorder = Operations(schema), Recorder(db)

    async def answer(query: str, projects: frozenset[int] | None = None, /, **variables: object) -> GraphQLResult:
        principal = Principal(role=Role.ADMIN, project_ids=projects, key_id=None)
        request = GraphQLRequest(query, msgspec.json.encode(variables))
        return await operations.execute(request, Context(db, recorder, principal))

    return answer


@pytest.fixture
def ask(answer: Callable[..., Coroutine[Any, Any, GraphQLResult]]) -> Ask:
    """The data of an answer that must be without errors."""

    async def ask(query: str, projects: frozenset[int] | None = None, /, **variables: object) -> Any:
        result = await answer(query, projects, **variables)
        assert result.errors == []
        return result.data

    return ask


RECORD = """mutation ($input: RecordRunsInput!) {
    recordRuns(input: $input) {
        received recorded updated unchanged rejected { index problems { path code } } runs { id }
    }
}"""


@pytest.fixture
def record(ask: Ask) -> Ask:
    """Records runs, given as inputs of the API; the payload."""

    async def record(*runs: dict[str, object]) -> Any:
        data = await ask(RECORD, input={"runs": [{"agent": "planner", **run} for run in runs]})
        return data["recordRuns"]

    return record
