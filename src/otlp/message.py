"""The message of OTLP with every attribute left as the bytes that it came in.

Most attributes are prompts and answers, of which nothing but the key is looked at. To have an object made of each, and
of its value, takes more time than all else that is read of a span.
"""

from collections.abc import Iterable, Iterator
from typing import cast

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

FILES = (common_pb2, resource_pb2, trace_pb2, trace_service_pb2)
"""Each after those that it imports."""
ATTRIBUTE = f".{common_pb2.KeyValue.DESCRIPTOR.full_name}"


def _with_bare_attributes() -> type[trace_service_pb2.ExportTraceServiceRequest]:
    """In protobuf a message inside of another one and bytes are written alike."""
    pool = DescriptorPool()
    for module in FILES:
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in _messages(file.message_type):
            for field in message.field:
                if field.type_name == ATTRIBUTE:
                    field.type = FieldDescriptorProto.TYPE_BYTES
                    field.ClearField("type_name")
        pool.AddSerializedFile(file.SerializeToString())
    name = trace_service_pb2.ExportTraceServiceRequest.DESCRIPTOR.full_name
    made = GetMessageClass(pool.FindMessageTypeByName(name))
    return cast("type[trace_service_pb2.ExportTraceServiceRequest]", made)


def _messages(messages: Iterable[DescriptorProto]) -> Iterator[DescriptorProto]:
    for message in messages:
        yield message
        yield from _messages(message.nested_type)


BareRequest = _with_bare_attributes()
"""An `ExportTraceServiceRequest` but for its `attributes`: those are `bytes`, each a `KeyValue`."""
