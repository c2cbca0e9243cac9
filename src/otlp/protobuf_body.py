"""A body in protobuf: an `ExportTraceServiceRequest`."""

from collections.abc import Container, Iterable
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

from ..errors import BadInputError
from .aliases import EXCEPTION_MESSAGE, EXCEPTION_TYPE, PROJECT, READ, SERVICE_VERSION
from .batch import Batch
from .slim import MAX_MESSAGE, NOTHING, Attributes, facts_of, facts_of_exception, number, plain, role_of, told_elsewhere
from .span import RUNS, Role, Scalar, Span, Status

SCALARS = ("int_value", "double_value")
OF_RESOURCE = frozenset({PROJECT, SERVICE_VERSION})
OF_EXCEPTION = frozenset({EXCEPTION_TYPE, EXCEPTION_MESSAGE})


def read(body: bytes, batch: Batch) -> None:
    """Add the spans of a body to a batch. Raises BadInputError for what is no such message."""
    for group in decode(body).resource_spans:
        resource = _scalars(group.resource.attributes, OF_RESOURCE)
        project = resource.get(PROJECT)
        named = None if project is None else str(project)
        for scope in group.scope_spans:
            for message in scope.spans:
                batch.add(named, message.trace_id, _span(message, resource))


def decode(body: bytes) -> ExportTraceServiceRequest:
    """Raises BadInputError."""
    try:
        return ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise BadInputError("The body is not an ExportTraceServiceRequest in protobuf.") from None


def _span(message: Message, resource: Attributes) -> Span:
    attributes = _scalars(message.attributes, READ)
    role = role_of(attributes, message.name)
    facts = facts_of(attributes, role)
    if role in RUNS:
        return _span_of_run(message, role, facts | told_elsewhere(attributes, role, resource))
    return Span(
        message.span_id,
        message.parent_span_id,
        role,
        message.start_time_unix_nano,
        message.end_time_unix_nano,
        facts=facts,
    )


def _span_of_run(message: Message, role: Role, facts: dict[str, Scalar]) -> Span:
    status = int(message.status.code)
    failed = status == Status.ERROR
    return Span(
        message.span_id,
        message.parent_span_id,
        role,
        message.start_time_unix_nano,
        message.end_time_unix_nano,
        status,
        plain(message.name),
        plain(message.status.message, MAX_MESSAGE) if failed else "",
        facts | facts_of_exception(_exception(message)) if failed else facts,
    )


def _exception(message: Message) -> Attributes:
    """The attributes of the last event of an exception."""
    for event in reversed(message.events):
        if event.name == "exception":
            return _scalars(event.attributes, OF_EXCEPTION)
    return NOTHING


def _scalars(attributes: Iterable[KeyValue], names: Container[str]) -> dict[str, Scalar]:
    """Those of the attributes that have these names and a single value."""
    found: dict[str, Scalar] = {}
    for attribute in attributes:
        name = attribute.key
        if name in names:
            value: Any = attribute.value
            if text := value.string_value:
                found[name] = text
            elif (kind := value.WhichOneof("value")) in SCALARS and (given := number(getattr(value, kind))) is not None:
                found[name] = given
    return found
