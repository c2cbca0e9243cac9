"""Registering and changing agents and versions."""

from typing import Annotated, Any

import strawberry

from ..errors import InvalidInputError
from ..ingest.run_input import DEFAULT_PROJECT
from ..resolvers import agents, registration
from .agent import Agent
from .context import Info
from .node import id_argument
from .recording import InvalidInput, problems
from .scalars import JSON
from .version import AgentVersion


@strawberry.input(description="An agent to register. Registered again, what is given is described anew.")
class RegisterAgentInput:
    name: str = strawberry.field(description="The name by which runs refer to it, 1 to 200 characters.")
    project: str = strawberry.field(default=DEFAULT_PROJECT, description="Its project; an unknown one is made.")
    display_name: str | None = strawberry.field(default=None, description="A name for people.")
    focus_type: str | None = strawberry.field(default=None, description="What it is for.")
    metadata: JSON | None = strawberry.field(default=None, description="Free facts: a JSON object of at most 16 KiB.")


@strawberry.type(description="A registered agent.")
class RegisterAgentPayload:
    agent: Agent = strawberry.field(description="The agent.")
    created: bool = strawberry.field(description="Whether it was unknown before.")


RegisterAgentResult = Annotated[
    RegisterAgentPayload | InvalidInput,
    strawberry.union("RegisterAgentResult", description="The agent, or what was wrong."),
]


@strawberry.input(description="A version to register. Registered again, what is given is described anew.")
class RegisterVersionInput:
    agent: str = strawberry.field(description="The agent's name; an unknown one is registered.")
    project: str = strawberry.field(default=DEFAULT_PROJECT, description="The agent's project.")
    version: str = strawberry.field(description="The version's name, 1 to 200 characters.")
    cluster: str | None = strawberry.field(default=None, description="Where it is deployed.")
    deployment: str | None = strawberry.field(default=None, description="The deployment.")
    tools: list[str] = strawberry.field(default_factory=list, description="The tools it has.")
    models: list[str] = strawberry.field(default_factory=list, description="The models it uses.")


@strawberry.type(description="A registered version.")
class RegisterVersionPayload:
    version: AgentVersion = strawberry.field(description="The version.")
    created: bool = strawberry.field(description="Whether it was unknown before.")


RegisterVersionResult = Annotated[
    RegisterVersionPayload | InvalidInput,
    strawberry.union("RegisterVersionResult", description="The version, or what was wrong."),
]


@strawberry.input(description="A change to an agent. What is left out, null or an empty text stays as it is.")
class UpdateAgentInput:
    agent_id: strawberry.ID = strawberry.field(description="The agent's global id.")
    display_name: str | None = strawberry.field(default=None, description="A name for people.")
    focus_type: str | None = strawberry.field(default=None, description="What it is for.")
    disabled: bool | None = strawberry.field(default=None, description="Switch it off or on.")
    pheromone_score: float | None = strawberry.field(
        default=None, description="Set its score, 0 to 1; a run that starts later and reports one overrides it."
    )


@strawberry.type(description="A changed agent.")
class UpdateAgentPayload:
    agent: Agent = strawberry.field(description="The agent as it is now.")


UpdateAgentResult = Annotated[
    UpdateAgentPayload | InvalidInput,
    strawberry.union("UpdateAgentResult", description="The agent, or what was wrong."),
]


async def register_agent(
    info: Info,
    input: Annotated[RegisterAgentInput, strawberry.argument(description="The agent.")],  # noqa: A002
) -> Any:
    context = info.context
    new = registration.AgentRegistration(
        name=input.name,
        project=input.project,
        display_name=input.display_name,
        focus_type=input.focus_type,
        metadata=input.metadata,
    )
    try:
        registered = await registration.register_agent(context.db, context.scope, new)
    except InvalidInputError as error:
        return invalid(error)
    agent: Any = await context.loaders.agent.load(registered.id)
    return RegisterAgentPayload(agent=agent, created=registered.created)


async def register_version(
    info: Info,
    input: Annotated[RegisterVersionInput, strawberry.argument(description="The version.")],  # noqa: A002
) -> Any:
    context = info.context
    new = registration.VersionRegistration(
        agent=input.agent,
        project=input.project,
        version=input.version,
        cluster=input.cluster,
        deployment=input.deployment,
        tools=input.tools,
        models=input.models,
    )
    try:
        registered = await registration.register_version(context.db, context.scope, new)
    except InvalidInputError as error:
        return invalid(error)
    version: Any = await context.loaders.version.load(registered.id)
    return RegisterVersionPayload(version=version, created=registered.created)


async def update_agent(
    info: Info,
    input: Annotated[UpdateAgentInput, strawberry.argument(description="The change.")],  # noqa: A002
) -> Any:
    context = info.context
    agent_id = id_argument("input.agentId", input.agent_id, "Agent")
    change = registration.AgentChange(
        agent_id=agent_id,
        display_name=input.display_name,
        focus_type=input.focus_type,
        disabled=input.disabled,
        pheromone_score=input.pheromone_score,
    )
    try:
        await registration.update_agent(context.db, context.scope, change)
    except InvalidInputError as error:
        return invalid(error)
    agent: Any = (await agents.by_ids(context.db, context.scope, [agent_id]))[0]
    return UpdateAgentPayload(agent=agent)


def invalid(error: InvalidInputError) -> InvalidInput:
    return InvalidInput(message=error.message, problems=problems(error.problems))
