"""The shape in which runs come in: the one definition behind the GraphQL inputs and the compiled decoder.

`schema/struct_input.py` derives the GraphQL input types from these structs, so the two cannot drift apart.
"""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from .scalars import BigInt, Float, Instant, Int, Milliseconds, Money

StatusName: TypeAlias = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED", "TIMED_OUT"]
Time: TypeAlias = Annotated[datetime, Instant]

UNVERSIONED = "unversioned"
DEFAULT_PROJECT = "default"
MAX_BATCH = 10_000


class RunKeyInput(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, gc=False):
    agent: Annotated[str, Meta(description="The agent's name.")]
    external_id: Annotated[str, Meta(description="The caller's own id of the run.")]
    project: Annotated[str, Meta(description="The agent's project.")] = DEFAULT_PROJECT


class RunInput(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, gc=False):
    agent: Annotated[str, Meta(description="The agent's name, 1 to 200 characters. An unknown one is registered.")]
    project: Annotated[
        str, Meta(description="The agent's project: a letter or digit, then letters, digits, `.`, `_`, `-`.")
    ] = DEFAULT_PROJECT
    version: Annotated[str, Meta(description="The agent's version. An unknown one is registered.")] = UNVERSIONED
    external_id: Annotated[
        str | None,
        Meta(
            description="The caller's own id, unique within the agent. Sent again, the run is stored once; "
            "without it every input is a new run, so give one wherever a request may be retried."
        ),
    ] = None
    status: Annotated[StatusName, Meta(description="How far the run has come. A final status is never taken back.")] = (
        "SUCCEEDED"
    )
    queued_at: Annotated[Time | None, Meta(description="When the run was put into a queue.")] = None
    started_at: Annotated[
        Time | None,
        Meta(
            description="When the run started; if absent: the end less the duration, else the end, "
            "else `queuedAt`, else the moment of recording."
        ),
    ] = None
    ended_at: Annotated[
        Time | None,
        Meta(description="When the run ended; if absent and the run is final: the start plus the duration."),
    ] = None
    duration_ms: Annotated[
        Float | None, Meta(description="Length in milliseconds; if absent: from the start to the end.")
    ] = None
    time_taken: Annotated[
        Milliseconds | None,
        Meta(description="Length as `5m30s`, ISO 8601 or milliseconds; the same as `durationMs`."),
    ] = None
    model: Annotated[str | None, Meta(description="The model asked, as its provider names it.")] = None
    provider: Annotated[str | None, Meta(description="The model's provider, as in `gen_ai.provider.name`.")] = None
    models: Annotated[list[str] | None, Meta(description="All models that the run used.")] = None
    tools: Annotated[list[str] | None, Meta(description="The tools that the run called, in order.")] = None
    input_tokens: Annotated[BigInt | None, Meta(description="Tokens of all prompts.")] = None
    output_tokens: Annotated[BigInt | None, Meta(description="Tokens of all answers.")] = None
    total_tokens: Annotated[BigInt | None, Meta(description="If absent: input plus output.")] = None
    cached_input_tokens: Annotated[
        BigInt | None, Meta(description="Of the input tokens, those that the provider read from its cache.")
    ] = None
    time_to_first_token_ms: Annotated[
        Float | None, Meta(description="Milliseconds from the start to the first token of an answer.")
    ] = None
    cost: Annotated[
        Money | None,
        Meta(description="USD, reported by the caller; if absent it is estimated from a price of the model."),
    ] = None
    error_type: Annotated[str | None, Meta(description="A class of error, as in `error.type`.")] = None
    error_message: Annotated[str | None, Meta(description="What went wrong; cut at 1,000 characters.")] = None
    initiator: Annotated[str | None, Meta(description="Who or what started the run.")] = None
    task_id: Annotated[str | None, Meta(description="The caller's id of the task that the run serves.")] = None
    trace_id: Annotated[str | None, Meta(description="The run's trace, as in OpenTelemetry.")] = None
    span_id: Annotated[str | None, Meta(description="The run's span in its trace.")] = None
    parent: Annotated[
        RunKeyInput | None, Meta(description="The run that called this one; it may be recorded later.")
    ] = None
    session_id: Annotated[str | None, Meta(description="The conversation or session that the run is part of.")] = None
    user_id: Annotated[str | None, Meta(description="The end user on whose behalf the run was made.")] = None
    input_length: Annotated[BigInt | None, Meta(description="Characters of the input; its text is not stored.")] = None
    output_length: Annotated[BigInt | None, Meta(description="Characters of the output; its text is not stored.")] = (
        None
    )
    files_created: Annotated[Int | None, Meta(description="Files that the run created.")] = None
    files_modified: Annotated[Int | None, Meta(description="Files that the run modified.")] = None
    messages: Annotated[Int, Meta(description="Messages that the run processed.")] = 1
    pheromone_score: Annotated[
        Float | None, Meta(description="The agent's score after this run as it sees it, 0 to 1.")
    ] = None
    metadata: Annotated[
        Any,
        Meta(description="Free facts about the run: a JSON object of at most 16 KiB. No prompts, no secrets."),
    ] = None


class RecordRunsInput(msgspec.Struct, rename="camel", forbid_unknown_fields=True, frozen=True, gc=False):
    runs: Annotated[list[RunInput], Meta(description="At most 10,000 runs.")]
