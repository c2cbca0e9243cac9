"""What is not kept of spans, for telling people about them: their names, and which attributes they had."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from . import json_body, protobuf_body


class Label(NamedTuple):
    name: str
    attributes: Sequence[str]


Labels: TypeAlias = Mapping[tuple[bytes, bytes], Label]
"""By trace and span id."""


def labels_of_protobuf(body: bytes) -> Labels:
    return {
        (span.trace_id, span.span_id): Label(span.name, [attribute.key for attribute in span.attributes])
        for group in protobuf_body.decode(body).resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    }


def labels_of_json(body: bytes) -> Labels:
    return {
        (json_body.bytes_of(span.trace_id), json_body.bytes_of(span.span_id)): Label(
            span.name or "", [attribute.key or "" for attribute in span.attributes or ()]
        )
        for group in json_body.decode(body).resource_spans or ()
        for scope in group.scope_spans or ()
        for span in scope.spans or ()
    }
