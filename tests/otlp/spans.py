"""Spans for tests, in protobuf: the kinds that agents send, with keyword overrides."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from .fixtures import Body

START = int(datetime.now(UTC).timestamp()) - 600
"""In seconds; the spans of a test start from here on."""
ERROR = 2

Value = str | int | float | bool


def span(
    id: int,  # noqa: A002
    parent: int | None = None,
    *,
    trace: int = 1,
    name: str = "span",
    at: float = 0.0,
    seconds: float = 1.0,
    status: int = 0,
    message: str = "",
    exception: Mapping[str, str] | None = None,
    **attributes: Value,
) -> Span:
    """Attributes are named with `__` for each dot. `at` is in seconds after `START`."""
    made = Span(
        trace_id=trace.to_bytes(16, "big"),
        span_id=id.to_bytes(8, "big"),
        parent_span_id=b"" if parent is None else parent.to_bytes(8, "big"),
        name=name,
        start_time_unix_nano=START * 10**9 + round(at * 10**9),
        end_time_unix_nano=START * 10**9 + round((at + seconds) * 10**9),
        attributes=_attributes({key.replace("__", "."): value for key, value in attributes.items()}),
    )
    made.status.code = status  # type: ignore[assignment]
    made.status.message = message
    if exception is not None:
        details = {f"exception.{key}": value for key, value in exception.items()}
        made.events.add(name="exception", attributes=_attributes(details))
    return made


def agent(id: int, parent: int | None = None, *, agent: str | None = "scout", **fields: Value) -> Span:  # noqa: A002
    named = {} if agent is None else {"gen_ai__agent__name": agent}
    return span(id, parent, **{"gen_ai__operation__name": "invoke_agent", **named, **fields})  # type: ignore[arg-type]


def chat(id: int, parent: int | None, *, tokens: tuple[int, int] | None = (10, 2), **fields: Value) -> Span:  # noqa: A002
    used = (
        {} if tokens is None else {"gen_ai__usage__input_tokens": tokens[0], "gen_ai__usage__output_tokens": tokens[1]}
    )
    common: dict[str, Value] = {"gen_ai__operation__name": "chat", "gen_ai__request__model": "m-1", **used}
    return span(id, parent, **{**common, **fields})  # type: ignore[arg-type]


def tool(id: int, parent: int | None, *, tool: str = "lookup", **fields: Value) -> Span:  # noqa: A002
    common: dict[str, Value] = {"gen_ai__operation__name": "execute_tool", "gen_ai__tool__name": tool}
    return span(id, parent, **{**common, **fields})  # type: ignore[arg-type]


def chain(id: int, parent: int | None = None, **fields: Value) -> Span:  # noqa: A002
    return span(id, parent, **{"openinference__span__kind": "CHAIN", **fields})  # type: ignore[arg-type]


def request(*spans: Span, **resource: Value) -> ExportTraceServiceRequest:
    made = ExportTraceServiceRequest()
    group = made.resource_spans.add()
    group.resource.attributes.extend(_attributes({key.replace("__", "."): value for key, value in resource.items()}))
    group.scope_spans.add().spans.extend(spans)
    return made


def body(*spans: Span, **resource: Value) -> Body:
    return Body(request(*spans, **resource).SerializeToString())


def each(spans: Sequence[Span]) -> list[Body]:
    """A body for each."""
    return [body(single) for single in spans]


def _attributes(values: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in values.items()]


def any_value(value: Value) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case str():
            return AnyValue(string_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
