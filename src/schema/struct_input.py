"""GraphQL input types made of msgspec structs: one definition for the API and for the compiled decoder.

Whichever way an input comes (coerced by graphql-core, or decoded straight into the struct by msgspec, see
compiled_variables.py), the resolver receives the struct.
"""

import types
from dataclasses import MISSING, dataclass
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import strawberry
from strawberry.types.base import get_object_definition

from ..ingest.scalars import Milliseconds, Money
from ..models.run import RunStatus
from .scalars import JSON, BigInt, DateTime, Decimal, Duration

_INPUTS: dict[type[msgspec.Struct], type] = {}
_SCALARS: dict[object, object] = {
    str: str,
    float: float,
    datetime: DateTime,
    Milliseconds: Duration,
    Money: Decimal,
    Any: JSON,
}
_INT32_MAX = 2**31 - 1


def struct_input(struct: type[msgspec.Struct], description: str) -> type:
    """Register a struct as a GraphQL input type of the same name; the structs it holds must be registered."""
    hints = get_type_hints(struct, include_extras=True)
    namespace: dict[str, Any] = {"__annotations__": {}}
    for field in msgspec.structs.fields(struct):
        type_, text = _graphql_type(hints[field.name])
        namespace["__annotations__"][field.name] = type_
        default = MISSING if field.required else _default(type_, field.default)
        namespace[field.name] = strawberry.field(name=field.encode_name, description=text, default=default)
    input_type: type = strawberry.input(
        type(struct.__name__, (), namespace), name=_name(struct), description=description
    )
    definition = get_object_definition(input_type, strict=True)
    definition.from_input = lambda _type, value, _context: build(struct, value)
    _INPUTS[struct] = input_type
    return input_type


def struct_of(type_name: str) -> type[msgspec.Struct] | None:
    """The struct behind an input type's GraphQL name."""
    return next((struct for struct in _INPUTS if _name(struct) == type_name), None)


def _name(struct: type[msgspec.Struct]) -> str:
    return "RunKey" if struct.__name__ == "RunKeyInput" else struct.__name__


def _default(type_: object, default: object) -> object:
    return RunStatus[str(default)] if type_ is RunStatus else default


def _graphql_type(hint: Any) -> tuple[Any, str | None]:
    """The Strawberry type of a struct's field, and its description."""
    if get_origin(hint) is Annotated:
        inner, *metas = get_args(hint)
        described = next((meta.description for meta in metas if meta.description), None)
        if inner is int:
            return (int if any(meta.le == _INT32_MAX for meta in metas) else BigInt), described
        type_, text = _graphql_type(inner)
        return type_, described or text
    if get_origin(hint) in {Union, types.UnionType}:
        inner = next(part for part in get_args(hint) if part is not type(None))
        return _graphql_type(inner)[0] | None, None
    if get_origin(hint) is list:
        return list[_graphql_type(get_args(hint)[0])[0]], None  # type: ignore[misc]
    if get_origin(hint) is Literal:
        return RunStatus, None
    if hint is Any:
        return JSON | None, None
    return _INPUTS.get(hint) or _SCALARS[hint], None


def build(struct: type[msgspec.Struct], value: Any) -> Any:
    """The struct of an input's coerced values; a struct that was decoded already is itself."""
    if isinstance(value, struct):
        return value
    fields = _fields(struct)
    return struct(**{fields[name].attribute: fields[name].convert(item) for name, item in value.items()})


@dataclass(frozen=True, slots=True)
class _Field:
    attribute: str
    nested: type[msgspec.Struct] | None

    def convert(self, item: Any) -> Any:
        if self.nested is not None and item is not None:
            nested = self.nested
            return [build(nested, each) for each in item] if isinstance(item, list) else build(nested, item)
        return item.name if isinstance(item, RunStatus) else item


@cache
def _fields(struct: type[msgspec.Struct]) -> dict[str, _Field]:
    """The fields of a struct by their names in GraphQL."""
    hints = get_type_hints(struct)
    return {
        field.encode_name: _Field(field.name, _struct_in(hints[field.name])) for field in msgspec.structs.fields(struct)
    }


def _struct_in(hint: Any) -> type[msgspec.Struct] | None:
    """The struct that a field holds, alone, in a list or optionally."""
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint
    return next((found for part in get_args(hint) if (found := _struct_in(part)) is not None), None)
