"""Runs in the API."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from ..models.run import CostSource, RunStatus
from ..resolvers import agents, run_page, runs
from ..resolvers.loaders import RunCountKey, RunsKey
from ..resolvers.page import PageArgs
from .context import Info
from .node import Node, global_id
from .paging import After, Before, Connection, First, Last, Listing
from .run_inputs import RunFilter, RunOrder, resolver_filter, run_order
from .scalars import JSON, BigInt, DateTime, Decimal

if TYPE_CHECKING:
    from .agent import Agent
    from .version import AgentVersion

WhichRuns = Annotated[RunFilter | None, strawberry.argument(description="Which runs; all if left out.")]
OrderOfRuns = Annotated[
    RunOrder | None, strawberry.argument(description="In which order; the newest first if left out.")
]
Parent = strawberry.Parent[runs.Run]


async def list_runs(
    info: Info,
    first: First = None,
    after: After = None,
    last: Last = None,
    before: Before = None,
    filter: WhichRuns = None,  # noqa: A002
    order_by: OrderOfRuns = None,
) -> Any:
    context, where = info.context, resolver_filter(filter)
    args = PageArgs(first, after, last, before)
    page = await run_page.page(context.db, context.scope, args, where, run_order(order_by))
    return Listing(page, lambda: run_page.count(context.db, context.scope, where))


def runs_by(column: str) -> Callable[..., Any]:
    """The resolver of the runs of an agent or a version, by their column in `run`; of siblings all together."""

    async def runs_of(
        root: strawberry.Parent[Any],
        info: Info,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        filter: WhichRuns = None,  # noqa: A002
        order_by: OrderOfRuns = None,
    ) -> Any:
        loaders, where, order = info.context.loaders, resolver_filter(filter), run_order(order_by)
        args = PageArgs(first, after, last, before)
        page = await loaders.runs.load(RunsKey(column, root.id, args, where, order.name, order.descending))
        return Listing(page, lambda: loaders.run_count.load(RunCountKey(column, root.id, where)))

    return runs_of


def _id(root: Parent) -> strawberry.ID:
    return global_id("Run", root.agent_id, root.id)


async def _agent(root: Parent, info: Info) -> Any:
    return await info.context.loaders.agent.load(root.agent_id)


async def _version(root: Parent, info: Info) -> Any:
    return await info.context.loaders.version.load(root.version_id)


async def _parent(root: Parent, info: Info) -> Any:
    if root.parent_agent_id is None or root.parent_external_id is None:
        return None
    return await info.context.loaders.run_by_external_id.load((root.parent_agent_id, root.parent_external_id))


async def _run_of_error(root: strawberry.Parent[agents.RunError], info: Info) -> Any:
    return await info.context.loaders.run.load((root.agent_id, root.run_id))


@strawberry.type(description="What went wrong in a run.")
class RunError:
    type: str | None = strawberry.field(description="The class of error.")
    message: str | None = strawberry.field(description="What went wrong, at most 1,000 characters.")
    at: DateTime = strawberry.field(description="When the run ended; where that is unknown, when it started.")
    run: Annotated["Run", strawberry.lazy(".run")] | None = strawberry.field(
        resolver=_run_of_error, description="The run; null once retention has dropped it."
    )


@strawberry.type(description="One execution of an agent.")
class Run(Node):
    id: strawberry.ID = strawberry.field(resolver=_id, description="The global id.")
    agent: Annotated["Agent", strawberry.lazy(".agent")] = strawberry.field(
        resolver=_agent, description="The agent that ran."
    )
    version: Annotated["AgentVersion", strawberry.lazy(".version")] = strawberry.field(
        resolver=_version, description="The version of it."
    )
    external_id: str | None = strawberry.field(description="The caller's own id. Unique within an agent.")
    status: RunStatus = strawberry.field(description="How far the run has come.")
    queued_at: DateTime | None = strawberry.field(description="When it was put into a queue.")
    started_at: DateTime = strawberry.field(
        description="When it started; where nobody said: its end less its duration, its end, `queuedAt`, `recordedAt`."
    )
    ended_at: DateTime | None = strawberry.field(description="When it ended.")
    duration_ms: float | None = strawberry.field(description="How long it took, in whole milliseconds.")
    model: str | None = strawberry.field(description="The model asked.")
    provider: str | None = strawberry.field(description="The model's provider.")
    models: list[str] = strawberry.field(description="All models used.")
    tools: list[str] = strawberry.field(description="The tools called, in order.")
    input_tokens: BigInt | None = strawberry.field(description="Tokens of all prompts.")
    output_tokens: BigInt | None = strawberry.field(description="Tokens of all answers.")
    total_tokens: BigInt | None = strawberry.field(description="As reported, else input plus output.")
    cached_input_tokens: BigInt | None = strawberry.field(
        description="Of the input tokens, those that the provider read from its cache."
    )
    time_to_first_token_ms: float | None = strawberry.field(
        description="From the start to the first token of an answer, in whole milliseconds."
    )
    cost: Decimal | None = strawberry.field(description="USD; null where it is unknown.")
    cost_source: CostSource = strawberry.field(description="Where the cost comes from.")
    error: RunError | None = strawberry.field(
        description="What went wrong: of a failed or timed out run, and of any other that reported an error."
    )
    initiator: str | None = strawberry.field(description="Who or what started it.")
    task_id: str | None = strawberry.field(description="The caller's id of the task it serves.")
    trace_id: str | None = strawberry.field(description="Its trace.")
    span_id: str | None = strawberry.field(description="Its span in the trace.")
    parent: Annotated["Run", strawberry.lazy(".run")] | None = strawberry.field(
        resolver=_parent,
        description="The run that called this one, for agents that call agents; null until it is recorded.",
    )
    session_id: str | None = strawberry.field(description="The conversation or session it is part of.")
    user_id: str | None = strawberry.field(description="The end user on whose behalf it was made.")
    input_length: BigInt | None = strawberry.field(description="Characters of the input.")
    output_length: BigInt | None = strawberry.field(description="Characters of the output.")
    files_created: int | None = strawberry.field(description="Files it created.")
    files_modified: int | None = strawberry.field(description="Files it modified.")
    messages: int = strawberry.field(description="Messages it processed.")
    pheromone_score: float | None = strawberry.field(description="The agent's score after it, as reported.")
    metadata: JSON = strawberry.field(description="Free facts: a JSON object, empty where none were given.")
    recorded_at: DateTime = strawberry.field(description="When it was first recorded here.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, runs.Run)


async def _total_count(root: strawberry.Parent[Listing[runs.Run]]) -> BigInt:
    return BigInt(await root.count())


@strawberry.type(description="A page of a list.")
class RunConnection(Connection[Run]):
    total_count: BigInt = strawberry.field(
        resolver=_total_count, description="How many runs the whole list has; counted only when asked for."
    )
