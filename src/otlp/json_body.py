"""A body in JSON, as OTLP has it: ids in hex, 64-bit numbers as numbers or text, names in camelCase."""

from collections.abc import Container, Iterable, Mapping
from typing import TypeAlias

import msgspec

from ..errors import BadInputError
from .aliases import PROJECT, READ
from .batch import Batch
from .protobuf_body import OF_EXCEPTION, OF_RESOURCE
from .slim import MAX_MESSAGE, NOTHING, Attributes, facts_of, facts_of_exception, number, plain, role_of, told_elsewhere
from .span import RUNS, Scalar, Span, Status

STATUSES: Mapping[int | str | None, Status] = {
    name: status for status in Status for name in (f"STATUS_CODE_{status.name}", int(status))
}
MAX_DIGITS = 40

Number: TypeAlias = int | float | str | None


class _Value(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    int_value: Number = None
    double_value: Number = None


class _Attribute(msgspec.Struct):
    key: str | None = None
    value: _Value | None = None


_Attributes: TypeAlias = list[_Attribute] | None


class _Event(msgspec.Struct):
    name: str | None = None
    attributes: _Attributes = None


class _Status(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None


class _Span(msgspec.Struct, rename="camel"):
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    name: str | None = None
    start_time_unix_nano: Number = None
    end_time_unix_nano: Number = None
    attributes: _Attributes = None
    events: list[_Event] | None = None
    status: _Status | None = None


class _ScopeSpans(msgspec.Struct):
    spans: list[_Span] | None = None


class _Resource(msgspec.Struct):
    attributes: _Attributes = None


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource | None = None
    scope_spans: list[_ScopeSpans] | None = None


class _Request(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] | None = None


_decode = msgspec.json.Decoder(_Request).decode


def read(body: bytes, batch: Batch) -> None:
    """Add the spans of a body to a batch. Raises BadInputError, naming the place, for what is no such message."""
    for group in decode(body).resource_spans or ():
        resource = _scalars(group.resource.attributes if group.resource else None, OF_RESOURCE)
        project = resource.get(PROJECT)
        named = None if project is None else str(project)
        for scope in group.scope_spans or ():
            for span in scope.spans or ():
                batch.add(named, bytes_of(span.trace_id), _span(span, resource))


def decode(body: bytes) -> _Request:
    """Raises BadInputError, naming the place."""
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        raise BadInputError(f"The body is not an ExportTraceServiceRequest in JSON: {error}.") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"The body is not valid JSON: {error}.") from None
    except RecursionError:
        raise BadInputError("The JSON of the body is nested too deeply.") from None


def _span(span: _Span, resource: Attributes) -> Span:
    attributes = _scalars(span.attributes, READ)
    role, status = role_of(attributes, span.name or ""), _code(span.status)
    facts = facts_of(attributes, role)
    if role in RUNS:
        facts |= told_elsewhere(attributes, role, resource)
        if status == Status.ERROR:
            facts |= facts_of_exception(_exception(span.events or ()))
    message = span.status.message if span.status and status == Status.ERROR else None
    return Span(
        bytes_of(span.span_id),
        bytes_of(span.parent_span_id),
        role,
        _time(span.start_time_unix_nano),
        _time(span.end_time_unix_nano),
        status if role in RUNS else Status.UNSET,
        plain(span.name or "") if role in RUNS else "",
        plain(message or "", MAX_MESSAGE) if role in RUNS else "",
        facts,
    )


def _code(status: _Status | None) -> Status:
    """What is none of them, such as a number of any length, is none at all."""
    return STATUSES.get(status.code if status else None, Status.UNSET)


def _exception(events: Iterable[_Event]) -> Attributes:
    found: Attributes = NOTHING
    for event in events:
        if event.name == "exception":
            found = _scalars(event.attributes, OF_EXCEPTION)
    return found


def _scalars(attributes: _Attributes, names: Container[str]) -> dict[str, Scalar]:
    """Those of the attributes that have these names and a text that is not empty, or a number."""
    found: dict[str, Scalar] = {}
    for attribute in attributes or ():
        name, value = attribute.key, attribute.value
        if name is not None and name in names and value is not None:
            text = value.string_value
            given = _number(value) if text is None else text or None
            if given is not None:
                found[name] = given
    return found


def _number(value: _Value) -> int | float | None:
    given: Number = value.double_value
    if value.int_value is not None:
        given = _integer(value.int_value)
    try:
        return None if given is None else number(given if isinstance(given, int) else float(given))
    except ValueError:
        return None


def _integer(value: float | str) -> int | None:
    """Of a number of any length; None where it is not whole."""
    if isinstance(value, str):
        digits = value.removeprefix("-")
        return int(value) if len(value) <= MAX_DIGITS and digits.isdecimal() and digits.isascii() else None
    return int(value) if isinstance(value, int) or value.is_integer() else None


def _time(value: Number) -> int:
    """No time at all is 0, as in protobuf; what cannot be one is out of any range."""
    if value is None or value == "":
        return 0
    time = _integer(value)
    return min(max(0, time), 2**64 - 1) if time is not None else 2**64 - 1


def bytes_of(text: str | None) -> bytes:
    """Of an id in hex; what is none becomes one byte, which is no id either."""
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b"?"
