"""Which attributes say what: the one table of names, of every convention and generation that agents are seen to use.

Of several names of one thing, the first that a span has counts: two names of one number are one number.
OpenTelemetry's GenAI conventions come first, then OpenInference, Traceloop (OpenLLMetry), the Vercel AI SDK (`ai.`)
and pydantic-ai's own.
"""

from collections.abc import Mapping

from .span import Role

METADATA = "metadata"
LC_AGENT_NAME = "metadata.lc_agent_name"
"""`lc_agent_name` in the JSON text of the attribute `metadata`, as LangChain has it."""
SERVICE_VERSION = "service.version"
"""Of the resource; it is kept with the span as if it were the span's own."""
PROJECT = "formicary.project"
"""Of the resource: the project that its runs belong to."""
EXCEPTION_TYPE, EXCEPTION_MESSAGE = "exception.type", "exception.message"
"""Of the event `exception`; kept with the span as if they were its own."""

AGENT = (
    "gen_ai.agent.name",
    "agent.name",
    LC_AGENT_NAME,
    "graph.node.id",
    "traceloop.entity.name",
    "ai.telemetry.functionId",
    "agent_name",
)
VERSION = ("gen_ai.agent.version", SERVICE_VERSION)
SESSION = ("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id")
USER = ("user.id", "enduser.id", "traceloop.association.properties.user_id")
MODEL = (
    "gen_ai.request.model",
    "llm.model_name",
    "llm.request.model",
    "ai.model.id",
    "gen_ai.response.model",
    "llm.response.model",
    "ai.response.model",
    "model_name",
)
"""The model asked for, else the one that answered."""
PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "llm.vendor", "ai.model.provider")
FRAMEWORKS = frozenset({"strands-agents"})
"""Names of frameworks that stand where a provider's should. A run's provider is unknown then."""
TOOL = ("gen_ai.tool.name", "tool.name", "traceloop.entity.name", "ai.toolCall.name")
ERROR_TYPE = ("error.type", EXCEPTION_TYPE)
ERROR_MESSAGE = (EXCEPTION_MESSAGE,)

INPUT_TOKENS = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
    "ai.usage.inputTokens",
    "ai.usage.promptTokens",
)
OUTPUT_TOKENS = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
    "ai.usage.outputTokens",
    "ai.usage.completionTokens",
)
CACHED_TOKENS = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.details.cache_read_tokens",
    "gen_ai.usage.input_tokens.cached",
    "llm.token_count.prompt_details.cache_read",
    "ai.usage.cachedInputTokens",
)
OWN_INPUT_TOKENS = (*INPUT_TOKENS, "gen_ai.aggregated_usage.input_tokens")
OWN_OUTPUT_TOKENS = (*OUTPUT_TOKENS, "gen_ai.aggregated_usage.output_tokens")
OWN_CACHED_TOKENS = (
    *CACHED_TOKENS,
    "gen_ai.aggregated_usage.cache_read.input_tokens",
    "gen_ai.aggregated_usage.details.cache_read_tokens",
)
"""What a run's own span says it used in all."""
COST = ("operation.cost", "llm.cost.total", "gen_ai.usage.cost")
"""In USD."""
FIRST_TOKEN: Mapping[str, float] = {
    "gen_ai.response.time_to_first_chunk": 1000,
    "gen_ai.response.time_to_first_token": 1000,
    "gen_ai.client.operation.time_to_first_chunk": 1000,
    "ai.response.msToFirstChunk": 1,
    "ai.stream.msToFirstChunk": 1,
    "gen_ai.server.time_to_first_token": 1000,
}
"""The time to the first token, with its unit in milliseconds."""
FIRST_TOKEN_IN_MS = "gen_ai.server.time_to_first_token"  # noqa: S105
"""In seconds, but strands gives it as a whole number of milliseconds."""

OPERATION = "gen_ai.operation.name"
ROLES: Mapping[str, Mapping[str, Role]] = {
    OPERATION: {
        "invoke_agent": Role.AGENT,
        "invoke_workflow": Role.WRAPPER,
        "chat": Role.INFERENCE,
        "generate_content": Role.INFERENCE,
        "text_completion": Role.INFERENCE,
        "execute_tool": Role.TOOL,
    },
    "openinference.span.kind": {
        "agent": Role.AGENT,
        "chain": Role.WRAPPER,
        "llm": Role.INFERENCE,
        "tool": Role.TOOL,
    },
    "traceloop.span.kind": {"agent": Role.AGENT, "workflow": Role.WRAPPER, "tool": Role.TOOL},
    "llm.request.type": {"chat": Role.INFERENCE, "completion": Role.INFERENCE},
    "ai.operationId": {
        "ai.generateText": Role.AGENT,
        "ai.streamText": Role.AGENT,
        "ai.generateObject": Role.AGENT,
        "ai.streamObject": Role.AGENT,
        "ai.generateText.doGenerate": Role.INFERENCE,
        "ai.streamText.doStream": Role.INFERENCE,
        "ai.generateObject.doGenerate": Role.INFERENCE,
        "ai.streamObject.doStream": Role.INFERENCE,
        "ai.toolCall": Role.TOOL,
    },
}
"""What a value of an attribute makes of a span; of several roles the one that comes first in `RANK`."""
RANK = (Role.AGENT, Role.INFERENCE, Role.TOOL, Role.WRAPPER, Role.OTHER)
CREATES_AGENT = "create_agent"
"""The operation of making an agent, which is no run whatever else the span says."""
SIGNS: tuple[tuple[tuple[str, ...], Role], ...] = (
    (("agent_name", "model_name"), Role.AGENT),
    (("gen_ai.tool.name", "gen_ai.tool.call.id"), Role.TOOL),
    (("gen_ai.request.model", "gen_ai.usage.prompt_tokens"), Role.INFERENCE),
    (("gen_ai.request.model", "gen_ai.usage.input_tokens"), Role.INFERENCE),
)
"""By what else the first generations are told: attributes that go together where none of `ROLES` is there at all."""

_OF_ANY_CALL = (*MODEL, *PROVIDER, *CACHED_TOKENS, *COST, *FIRST_TOKEN)
_OF_RUN = (
    *AGENT,
    *VERSION,
    *SESSION,
    *USER,
    *ERROR_TYPE,
    *ERROR_MESSAGE,
    *_OF_ANY_CALL,
    *OWN_INPUT_TOKENS,
    *OWN_OUTPUT_TOKENS,
    *OWN_CACHED_TOKENS,
)
KEPT: Mapping[Role, frozenset[str]] = {
    Role.OTHER: frozenset(),
    Role.AGENT: frozenset(_OF_RUN),
    Role.WRAPPER: frozenset(_OF_RUN) - frozenset(AGENT),
    Role.INFERENCE: frozenset((*_OF_ANY_CALL, *INPUT_TOKENS, *OUTPUT_TOKENS)),
    Role.TOOL: frozenset(TOOL),
}
"""The attributes that are kept of a span of each role. Everything else is dropped at the door."""

_SIGNS = tuple(name for names, _ in SIGNS for name in names)
READ: frozenset[str] = frozenset((METADATA, *ROLES, *_SIGNS, *(name for names in KEPT.values() for name in names)))
"""The attributes that are looked at."""
