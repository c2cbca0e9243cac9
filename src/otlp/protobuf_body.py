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
from .slim import Attributes, slim
from .span import Scalar, Span, Status

OF_RESOURCE = frozenset({PROJECT, SERVICE_VERSION})
OF_EXCEPTION = frozenset({EXCEPTION_TYPE, EXCEPTION_MESSAGE})
NOTHING: Attributes = {}


def read(body: bytes, batch: Batch) -> None:
    """Add the spans of a body to a batch. Raises BadInputError for what is no such message."""
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError:
        raise BadInputError("The body is not an ExportTraceServiceRequest in protobuf.") from None
    for group in request.resource_spans:
        resource = _scalars(group.resource.attributes, OF_RESOURCE)
        project = resource.get(PROJECT)
        named = None if project is None else str(project)
        for scope in group.scope_spans:
            for message in scope.spans:
                batch.add(named, message.trace_id, _span(message, resource))


def _span(message: Message, resource: Attributes) -> Span:
    status, code = message.status, int(message.status.code)
    failed = code == Status.ERROR
    return slim(
        id=message.span_id,
        parent_id=message.parent_span_id,
        name=message.name,
        started=message.start_time_unix_nano,
        ended=message.end_time_unix_nano,
        status=code,
        message=status.message if failed else "",
        attributes=_scalars(message.attributes, READ),
        resource=resource,
        exception=_exception(message) if failed else NOTHING,
    )


def _exception(message: Message) -> Attributes:
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
            kind = value.WhichOneof("value")
            if kind == "string_value" or kind == "int_value" or kind == "double_value":
                found[name] = getattr(value, kind)
    return found
