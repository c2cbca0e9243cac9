"""A body in protobuf: an `ExportTraceServiceRequest`."""

from collections.abc import Container, Iterable
from typing import Any, TypeAlias, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

from ..errors import BadInputError
from .aliases import EXCEPTION_MESSAGE, EXCEPTION_TYPE, METADATA, PROJECT, READ, SERVICE_VERSION
from .batch import Batch
from .message import BareRequest
from .slim import MAX_MESSAGE, NOTHING, Attributes, drop, facts_of_exception, number, plain, role_of, told_elsewhere
from .span import RUNS, Role, Scalar, Span, Status

M = TypeVar("M", bound=Message)

SCALARS = ("int_value", "double_value")
OF_RESOURCE = frozenset({PROJECT, SERVICE_VERSION})
OF_EXCEPTION = frozenset({EXCEPTION_TYPE, EXCEPTION_MESSAGE})

MAX_REMEMBERED_BYTES = 200
MOST_REMEMBERED = 5_000

_KEYS = frozenset(name.encode() for name in READ)
_KEY_TAG = 0x0A
_ERROR = Status.ERROR

_Named: TypeAlias = tuple[str, Scalar] | None
"""An attribute's name and value; None for one that is not looked at."""


def read(body: bytes, batch: Batch) -> None:
    """Add the spans of a body to a batch. Raises BadInputError for what is no such message.

    Of a span's attributes that are not looked at nobody asks whether their values are well-formed.
    """
    for group in _decoded(BareRequest, body).resource_spans:
        resource = _scalars(group.resource.attributes, OF_RESOURCE)
        project = resource.get(PROJECT)
        named = None if project is None else str(project)
        for scope in group.scope_spans:
            for message in scope.spans:
                batch.add(named, message.trace_id, _span(message, resource))


def decode(body: bytes) -> ExportTraceServiceRequest:
    """The whole message. Raises BadInputError."""
    return _decoded(ExportTraceServiceRequest, body)


def _decoded(kind: type[M], content: bytes) -> M:
    try:
        return kind.FromString(content)
    except DecodeError:
        raise BadInputError("The body is not an ExportTraceServiceRequest in protobuf.") from None


def _span(message: SpanMessage, resource: Attributes) -> Span:
    facts = _attributes(message)
    role = role_of(facts, message.name)
    if role in RUNS:
        facts |= told_elsewhere(facts, role, resource)
        drop(facts, role)
        return _span_of_run(message, role, facts)
    drop(facts, role)
    return Span(
        message.span_id,
        message.parent_span_id,
        role,
        message.start_time_unix_nano,
        message.end_time_unix_nano,
        facts=facts,
    )


def _span_of_run(message: SpanMessage, role: Role, facts: dict[str, Scalar]) -> Span:
    status = int(message.status.code)
    failed = status == _ERROR
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


def _exception(message: SpanMessage) -> Attributes:
    """The attributes of the last event of an exception."""
    for event in reversed(message.events):
        if event.name == "exception":
            return _scalars(event.attributes, OF_EXCEPTION)
    return NOTHING


def _scalars(attributes: Iterable[Any], names: Container[str]) -> dict[str, Scalar]:
    """Those of the attributes that have these names and a single value."""
    read = (_decoded(KeyValue, attribute) for attribute in attributes)
    found = ((attribute.key, _scalar(attribute)) for attribute in read if attribute.key in names)
    return {name: value for name, value in found if value is not None}


def _scalar(attribute: KeyValue) -> Scalar | None:
    """A text that is not empty, or a number."""
    value: Any = attribute.value
    if text := value.string_value:
        return str(text)
    kind = value.WhichOneof("value")
    return number(getattr(value, kind)) if kind in SCALARS else None


def _attributes(message: SpanMessage) -> dict[str, Scalar]:
    """Those of a span that are looked at, as they may be kept."""
    found: dict[str, Scalar] = {}
    attributes: Any = message.attributes
    for attribute in attributes:
        named = remembered[attribute] if len(attribute) <= MAX_REMEMBERED_BYTES else _named(attribute)
        if named is not None:
            name, value = named
            found[name] = value
    return found


def _named(attribute: bytes) -> _Named:
    if len(attribute) > 1 and attribute[0] == _KEY_TAG and attribute[2 : 2 + attribute[1]] not in _KEYS:
        return None  # as it begins with its key, which is as good as always so
    whole = _decoded(KeyValue, attribute)
    name, value = whole.key, _scalar(whole)
    if name not in READ or value is None:
        return None
    return name, plain(value) if isinstance(value, str) and name != METADATA else value


class _Remembered(dict[bytes, _Named]):
    """Attributes that are looked at, by their bytes: models, agents and kinds of work come again and again."""

    def __missing__(self, attribute: bytes) -> _Named:
        named = _named(attribute)
        if named is not None and named[0] != METADATA:
            if len(self) >= MOST_REMEMBERED:
                self.clear()
            self[attribute] = named
        return named


remembered = _Remembered()
