"""Reading protobuf: attributes that are not looked at are passed over as bytes, and all others are read as ever."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from formicary.errors import BadInputError
from formicary.otlp import json_body, protobuf_body
from formicary.otlp.aliases import METADATA, READ
from formicary.otlp.batch import Batch
from formicary.otlp.message import BareRequest
from formicary.otlp.protobuf_body import MOST_REMEMBERED

from .fixtures import NAMES, as_json, request_of
from .spans import Value, agent, any_value, request, span

NAME = "gen_ai.agent.name"
TAG_KEY, TAG_VALUE = b"\x0a", b"\x12"


def batch_of(body: bytes) -> Batch:
    batch = Batch(datetime.now(UTC))
    protobuf_body.read(body, batch)
    return batch


def with_attributes(*attributes: bytes) -> bytes:
    """A body with an agent's span that has these as well, as they are."""
    made = BareRequest.FromString(request(agent(1, agent=None)).SerializeToString())
    made.resource_spans[0].scope_spans[0].spans[0].attributes.extend(attributes)  # type: ignore[arg-type]
    return made.SerializeToString()


def facts_of(body: bytes) -> dict[str, object]:
    ((one,),) = (spans.values() for spans in batch_of(body).traces.values())
    return dict(one.facts)


def part(tag: bytes, content: bytes) -> bytes:
    return tag + bytes([len(content)]) + content


KEY = part(TAG_KEY, NAME.encode())
VALUE = part(TAG_VALUE, AnyValue(string_value="scout").SerializeToString())


@pytest.mark.parametrize("name", NAMES)
def test_both_formats_of_a_recording_are_the_same_spans(name: str) -> None:
    made = request_of(name)
    batch = Batch(datetime.now(UTC))
    json_body.read(as_json(made).content, batch)
    assert batch_of(made.SerializeToString()).traces == batch.traces


values = st.one_of(st.text(max_size=300), st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans())


@example({"gen_ai.request.model": "", "gen_ai.usage.input_tokens": 0})
@given(st.dictionaries(st.sampled_from(sorted(READ)) | st.text(max_size=200), values, max_size=8))
def test_whatever_its_attributes_a_span_is_the_same_in_both_formats(attributes: dict[str, Value]) -> None:
    made = request(span(1, name="work"))
    for name, value in attributes.items():
        made.resource_spans[0].scope_spans[0].spans[0].attributes.append(KeyValue(key=name, value=any_value(value)))
    batch = Batch(datetime.now(UTC))
    json_body.read(as_json(made).content, batch)
    for _ in range(2):  # the second time all is remembered
        assert batch_of(made.SerializeToString()).traces == batch.traces


@pytest.mark.parametrize(
    "attribute",
    [KEY + VALUE, VALUE + KEY, KEY + VALUE + b"\x18\x00"],
    ids=["as usual", "the value first", "a field that nobody knows"],
)
def test_an_attribute_is_read_however_it_is_written(attribute: bytes) -> None:
    assert facts_of(with_attributes(attribute)) == {NAME: "scout"}


@pytest.mark.parametrize(
    "attribute",
    [b"", KEY, VALUE, part(TAG_KEY, b"k" * 127) + VALUE, KeyValue(key="k" * 128).SerializeToString()],
    ids=["nothing", "no value", "no key", "a key of 127 bytes", "a key of 128 bytes"],
)
def test_an_attribute_without_a_name_or_value_that_counts_is_none(attribute: bytes) -> None:
    assert facts_of(with_attributes(attribute)) == {}


@pytest.mark.parametrize("attribute", [b"\n", KEY + VALUE[:-1], b"\xff" + KEY, KEY + b"\x12\x03\x0a\x01\xff"])
def test_an_attribute_that_counts_and_is_broken_is_told(attribute: bytes) -> None:
    with pytest.raises(BadInputError, match="ExportTraceServiceRequest in protobuf"):
        batch_of(with_attributes(attribute))


def test_a_value_that_is_dropped_is_not_even_looked_at() -> None:
    assert facts_of(with_attributes(part(TAG_KEY, b"gen_ai.input.messages") + b"\x12\xff")) == {}


def test_what_is_remembered_of_attributes_is_bounded_and_nothing_that_is_dropped() -> None:
    many = [KeyValue(key=NAME, value=AnyValue(string_value=f"agent {n}")) for n in range(MOST_REMEMBERED + 10)]
    said = [KeyValue(key=name, value=AnyValue(string_value="SECRET")) for name in ("prompt", METADATA)]
    body = with_attributes(*(attribute.SerializeToString() for attribute in [*many, *said]))
    assert facts_of(body) == {NAME: f"agent {MOST_REMEMBERED + 9}"}
    assert len(protobuf_body.remembered) <= MOST_REMEMBERED
    assert not any(b"SECRET" in attribute for attribute in protobuf_body.remembered)
