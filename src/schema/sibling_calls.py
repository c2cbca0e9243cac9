"""Calls of resolvers by siblings: the fifty agents of a page ask each of their fields with the same arguments.

Strawberry reads a field's arguments anew for every object, which takes longer than most resolvers do. Within one
operation they are the same for all of them, so they are read once more, for the second, and kept for the others.
"""

from collections.abc import Callable, Coroutine
from inspect import Parameter
from typing import Any, NamedTuple, TypeAlias, cast

from graphql import FieldNode, GraphQLError, GraphQLField, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues, get_argument_values
from strawberry import Info, Schema
from strawberry.schema.base import BaseSchema
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

Resolver: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]


class SiblingCall(NamedTuple):
    """A resolver with its arguments, and the names by which it takes its parent and its info."""

    definition: GraphQLField
    field: StrawberryField
    resolver: Resolver
    arguments: dict[str, Any]
    parents: tuple[str, ...]
    infos: tuple[str, ...]

    def __call__(self, source: Any, info: GraphQLResolveInfo[Any]) -> Coroutine[Any, Any, Any]:
        arguments = self.arguments.copy()
        for name in self.parents:
            arguments[name] = source
        for name in self.infos:
            arguments[name] = Info(_raw_info=info, _field=self.field)
        return self.resolver(**arguments)


class SiblingCalls:
    """The calls of one execution, by what is selected.

    The first of some siblings goes the executor's own way, as every only child does; so does a field whose resolver
    is more than an async function of parent, info and arguments.
    """

    def __init__(self, schema: GraphQLSchema, variables: VariableValues) -> None:
        self._schema = schema
        self._variables = variables
        self._asked: dict[int, FieldDetailsList] = {}
        self._calls: dict[int, SiblingCall | None] = {}

    def of(self, parent_type: GraphQLObjectType, selected: FieldDetailsList) -> SiblingCall | None:
        key = id(selected)
        if key not in self._asked:
            self._asked[key] = selected  # kept, so that its id stays its own
            return None
        if key not in self._calls:
            self._calls[key] = self._call(parent_type, selected)
        return self._calls[key]

    def _call(self, parent_type: GraphQLObjectType, selected: FieldDetailsList) -> SiblingCall | None:
        details = selected[0]
        definition = self._schema.get_field(parent_type, details.node.name.value)
        field = _plain_async(definition)
        if definition is None or field is None or details.fragment_variable_values:
            return None
        try:
            arguments = self._arguments(definition, field, details.node)
        except (GraphQLError, ValueError):
            return None  # each sibling reports it
        resolver = cast("StrawberryResolver[Any]", field.base_resolver)
        parents = _names(resolver.parent_parameter, resolver.root_parameter)
        function = cast("Resolver", resolver.wrapped_func)
        return SiblingCall(definition, field, function, arguments, parents, _names(resolver.info_parameter))

    def _arguments(self, definition: GraphQLField, field: StrawberryField, node: FieldNode) -> dict[str, Any]:
        """As Strawberry hands them to the resolver."""
        strawberry: BaseSchema = self._schema._strawberry_schema  # type: ignore[attr-defined]
        given = get_argument_values(definition, node, self._variables)
        registry = cast("Schema", strawberry).schema_converter.scalar_registry
        return convert_arguments(given, field.arguments, registry, strawberry.config)


def _plain_async(definition: GraphQLField | None) -> StrawberryField | None:
    """The Strawberry field of a definition, if its resolver is an async function of parent, info and arguments."""
    field = (definition.extensions or {}).get(GraphQLCoreConverter.DEFINITION_BACKREF) if definition else None
    if not isinstance(field, StrawberryField) or field.extensions or not field.is_async:
        return None
    resolver = field.base_resolver
    return None if resolver is None or resolver.self_parameter else field


def _names(*parameters: Parameter | None) -> tuple[str, ...]:
    return tuple({parameter.name: None for parameter in parameters if parameter is not None})
