"""Spans as Phoenix exports them: rows of its data frame (`context.span_id`, `attributes.llm.…`) as JSON or CSV, or the
objects of its REST API. Their attributes are OpenInference's.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from ..otlp.slim import facts_of_exception
from ..otlp.span import Scalar
from .spans import KIND, Source, Traces, nanoseconds, required, text

ATTRIBUTES = "attributes."
MOST_LEVELS = 8


def add(values: Mapping[str, Any], traces: Traces) -> None:
    """Raises BadInputError, naming the field."""
    seen = dict(_flat(values))
    attributes = {name.removeprefix(ATTRIBUTES): value for name, value in seen.items() if name.startswith(ATTRIBUTES)}
    attributes |= dict(_exception(values.get("events")))
    if kind := text(seen, "span_kind"):
        attributes.setdefault(KIND, kind)
    started = nanoseconds("start_time", seen.get("start_time"))
    traces.add(
        Source(
            trace_id=required(seen, "context.trace_id"),
            id=required(seen, "context.span_id"),
            parent_id=text(seen, "parent_id"),
            name=text(seen, "name") or "",
            started=started,
            ended=nanoseconds("end_time", seen["end_time"]) if seen.get("end_time") else started,
            error=(text(seen, "status_message") or "") if seen.get("status_code") == "ERROR" else None,
            attributes=attributes,
        )
    )


def _flat(values: Mapping[str, Any], before: str = "", levels: int = MOST_LEVELS) -> Iterator[tuple[str, Scalar]]:
    """Objects within objects by names with dots; lists are left out, for nothing in them counts."""
    for name, value in values.items():
        if isinstance(value, Mapping) and levels:
            yield from _flat(value, f"{before}{name}.", levels - 1)
        elif isinstance(value, str | int | float):
            yield f"{before}{name}", value


def _exception(events: Any) -> Mapping[str, Scalar]:
    """Of the last event of that name; in a CSV the events are a text, which may be JSON."""
    if isinstance(events, str):
        try:
            events = msgspec.json.decode(events)
        except (msgspec.DecodeError, RecursionError):
            return {}
    for event in reversed(events if isinstance(events, list) else []):
        if isinstance(event, Mapping) and event.get("name") == "exception":
            attributes = event.get("attributes")
            return facts_of_exception(dict(_flat(attributes)) if isinstance(attributes, Mapping) else {})
    return {}
