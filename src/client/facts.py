"""What a run may say about itself: the fields of the API's `RunInput` that agent code knows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict

from . import values


class RunKey(TypedDict):
    """The name of a run among all, as the API takes it: what another process needs to name the run as its caller."""

    agent: str
    externalId: str
    project: str


class Facts(TypedDict, total=False):
    """Facts of a run, under the API's names; the API's schema says what each of them means.

    A fact of another type is converted where that is plain (a UUID to text, 3.0 to 3); else it is left out, and the
    log says so.
    """

    queued_at: datetime
    model: str
    provider: str
    models: Sequence[str]
    tools: Sequence[str]
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_input_tokens: int
    time_to_first_token_ms: float
    cost: Decimal | str | float
    initiator: str
    task_id: str
    trace_id: str
    span_id: str
    session_id: str
    user_id: str
    input_length: int
    output_length: int
    files_created: int
    files_modified: int
    messages: int
    pheromone_score: float
    metadata: Mapping[str, Any]


FIELDS: Mapping[str, tuple[str, Callable[[Any], object]]] = {
    "parent": ("parent", values.key),
    "error_type": ("errorType", values.text),
    "error_message": ("errorMessage", values.text),
    "queued_at": ("queuedAt", values.instant),
    "model": ("model", values.text),
    "provider": ("provider", values.text),
    "models": ("models", values.texts),
    "tools": ("tools", values.texts),
    "input_tokens": ("inputTokens", values.count),
    "output_tokens": ("outputTokens", values.count),
    "total_tokens": ("totalTokens", values.count),
    "cached_input_tokens": ("cachedInputTokens", values.count),
    "time_to_first_token_ms": ("timeToFirstTokenMs", values.number),
    "cost": ("cost", values.money),
    "initiator": ("initiator", values.text),
    "task_id": ("taskId", values.text),
    "trace_id": ("traceId", values.text),
    "span_id": ("spanId", values.text),
    "session_id": ("sessionId", values.text),
    "user_id": ("userId", values.text),
    "input_length": ("inputLength", values.count),
    "output_length": ("outputLength", values.count),
    "files_created": ("filesCreated", values.count),
    "files_modified": ("filesModified", values.count),
    "messages": ("messages", values.count),
    "pheromone_score": ("pheromoneScore", values.number),
    "metadata": ("metadata", values.json_object),
}
"""Of each fact its name in the API and what converts it; the first three are the recorder's own to state."""
