"""What one would write first: stock Strawberry inputs, SQLModel objects, `add_all`. Run as a server to compare with.

python -m tests.bench.naive DSN
"""

import asyncio
import socket
import sys
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any, cast

import strawberry
import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.scalars import JSON

from formicary.models.agent import Agent
from formicary.models.run import CostSource, Run, RunStatus
from formicary.models.run import RunKey as RunKeyRow
from formicary.models.version import AgentVersion

strawberry.enum(RunStatus)
FIRST_ID = 1 << 40


@strawberry.input
class RunKey:
    agent: str
    external_id: str
    project: str = "default"


@strawberry.input
class RunInput:
    """The fields of the API's own input, by stock types."""

    agent: str
    project: str = "default"
    version: str = "unversioned"
    external_id: str | None = None
    status: RunStatus = RunStatus.SUCCEEDED
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    duration_ms: float | None = None
    time_taken: str | None = None
    model: str | None = None
    provider: str | None = None
    models: list[str] | None = None
    tools: list[str] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cached_input_tokens: int | None = None
    time_to_first_token_ms: float | None = None
    cost: Decimal | None = None
    error_type: str | None = None
    error_message: str | None = None
    initiator: str | None = None
    task_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent: RunKey | None = None
    session_id: str | None = None
    user_id: str | None = None
    input_length: int | None = None
    output_length: int | None = None
    files_created: int | None = None
    files_modified: int | None = None
    messages: int = 1
    pheromone_score: float | None = None
    metadata: JSON | None = None


@strawberry.input
class RecordRunsInput:
    runs: list[RunInput]


@strawberry.type
class RejectedRun:
    index: int


@strawberry.type
class RecordRunsPayload:
    received: int
    recorded: int
    updated: int
    unchanged: int
    rejected: list[RejectedRun]


@strawberry.type
class Query:
    ready: bool = True


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def record_runs(self, info: strawberry.Info, input: RecordRunsInput) -> RecordRunsPayload:  # noqa: A002
        async with AsyncSession(info.context) as session:
            versions = await _versions(session, {run.agent for run in input.runs})
            rows = [_row(run, *versions[run.agent, run.version]) for run in input.runs]
            session.add_all([_key(row) for row in rows])
            session.add_all(rows)
            await session.commit()
        number = len(input.runs)
        return RecordRunsPayload(received=number, recorded=number, updated=0, unchanged=0, rejected=[])


_ids = count(FIRST_ID)


async def _versions(session: AsyncSession, names: set[str]) -> dict[tuple[str, str], tuple[Agent, AgentVersion]]:
    found = await session.exec(
        select(Agent, AgentVersion)
        .join(AgentVersion, col(AgentVersion.agent_id) == col(Agent.id))
        .where(col(Agent.name).in_(names))
    )
    return {(agent.name, version.version): (agent, version) for agent, version in found}


def _key(row: Run) -> RunKeyRow:
    assert row.external_id is not None
    return RunKeyRow(agent_id=row.agent_id, external_id=row.external_id, run_id=row.id, started_at=row.started_at)


def _row(run: RunInput, agent: Agent, version: AgentVersion) -> Run:
    assert agent.id is not None
    assert version.id is not None
    assert run.started_at is not None
    assert run.ended_at is not None
    return Run(
        agent_id=agent.id,
        id=next(_ids),
        started_at=run.started_at,
        project_id=agent.project_id,
        version_id=version.id,
        status=run.status,
        external_id=run.external_id,
        ended_at=run.ended_at,
        duration_ms=round((run.ended_at - run.started_at).total_seconds() * 1000),
        model=run.model,
        provider=run.provider,
        tools=run.tools,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        total_tokens=(run.input_tokens or 0) + (run.output_tokens or 0),
        cost=run.cost,
        cost_source=CostSource.REPORTED,
        error_type=run.error_type,
        error_message=run.error_message,
        initiator=run.initiator,
        task_id=run.task_id,
        trace_id=run.trace_id,
        session_id=run.session_id,
        user_id=run.user_id,
        metadata_=cast("dict[str, Any] | None", run.metadata),
        recorded_at=datetime.now(UTC),
    )


class NaiveView(GraphQL[AsyncEngine, None]):
    """Strawberry's own ASGI application, with the engine as the context."""

    engine: AsyncEngine

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> AsyncEngine:
        return self.engine


def make_app(engine: AsyncEngine) -> Starlette:
    view = NaiveView(strawberry.Schema(Query, Mutation))
    view.engine = engine
    return Starlette(routes=[Route("/graphql", view)])


def main(dsn: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    config = uvicorn.Config(make_app(engine), log_level="warning", loop="uvloop", http="httptools")
    print(listener.getsockname()[1], flush=True)
    asyncio.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main(sys.argv[1])
