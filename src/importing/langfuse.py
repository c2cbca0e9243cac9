"""Observations as Langfuse exports them: to blob storage (`observations_v2`, in snake_case), from its pages or by its
API (in camelCase), as JSON or CSV.

Observations of the type AGENT are runs. In a trace without any the trace itself is one, named as the trace is.
Traces alone, without their observations, say nothing of tokens; they are not read.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ..errors import BadInputError
from ..otlp.span import Scalar
from .spans import KIND, Source, Traces, nanoseconds, required, text

KINDS = {"AGENT": "AGENT", "GENERATION": "LLM", "TOOL": "TOOL"}
"""Of the types of Langfuse those that count; embeddings, retrievers, events and plain spans are no calls of a model."""

_WORD = re.compile("(?<=[a-z0-9])([A-Z])")


def add(values: Mapping[str, Any], traces: Traces) -> None:
    """Raises BadInputError, naming the field."""
    seen = {_WORD.sub(r"_\1", name).lower(): value for name, value in values.items()}
    trace_id, id_ = required(seen, "trace_id"), required(seen, "id")
    name = text(seen, "name") or ""
    started = nanoseconds("start_time", seen.get("start_time"))
    ended = nanoseconds("end_time", seen["end_time"]) if seen.get("end_time") else started
    error = (text(seen, "status_message") or "") if seen.get("level") == "ERROR" else None
    parent = text(seen, "parent_observation_id")
    around = f"trace {trace_id}"
    attributes = dict(_attributes(seen, name))
    traces.add(Source(trace_id, id_, parent or around, name, started, ended, error, attributes))
    trace_name = text(seen, "trace_name") or (name if parent is None else "")
    own = {KIND: "CHAIN", **dict(_facts(seen))}
    traces.add_around(Source(trace_id, around, None, trace_name, started, ended, None if parent else error, own))


def _attributes(seen: Mapping[str, Any], name: str) -> Iterator[tuple[str, Scalar]]:
    kind = KINDS.get(str(seen.get("type") or "").upper())
    if kind is None:
        return
    yield KIND, kind
    if kind == "AGENT":
        yield "agent.name", name
        yield from _facts(seen)
    elif kind == "TOOL":
        yield "tool.name", name
    else:
        yield from _call(seen)


def _facts(seen: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for attribute, names in {
        "gen_ai.agent.version": ("version", "release"),
        "session.id": ("session_id",),
        "user.id": ("user_id",),
    }.items():
        if value := text(seen, *names):
            yield attribute, value


def _call(seen: Mapping[str, Any]) -> Iterator[tuple[str, Scalar]]:
    if model := text(seen, "provided_model_name", "model"):
        yield "llm.model_name", model
    usage = _numbers("usage_details", seen.get("usage_details"))
    if given := [number for name, number in usage.items() if "input" in name]:
        yield "llm.token_count.prompt", sum(given)
    if read := [
        number for name, number in usage.items() if "input" in name and "cache" in name and "creat" not in name
    ]:
        yield "llm.token_count.prompt_details.cache_read", sum(read)
    if made := [number for name, number in usage.items() if "output" in name]:
        yield "llm.token_count.completion", sum(made)
    cost = text(seen, "total_cost") or text(_numbers("cost_details", seen.get("cost_details")), "total")
    if cost is not None:
        yield "llm.cost.total", cost
    if first := text(seen, "time_to_first_token"):
        yield "gen_ai.response.time_to_first_token", first


def _numbers(field: str, value: Any) -> dict[str, float]:
    """Counts or amounts by name, of an object or its text."""
    if value in (None, ""):
        return {}
    try:
        found = msgspec.json.decode(value) if isinstance(value, str) else value
        return msgspec.convert(found, dict[str, float], strict=False)
    except (msgspec.MsgspecError, RecursionError):
        raise BadInputError(f"{field}: must be an object with numbers") from None
