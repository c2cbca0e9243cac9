"""The fast way out for large answers: plain parts of a selection become dicts without graphql-core's executor.

graphql-core asks of every field of every object which resolver it has, which arguments, what its answer is and
whether it must be awaited: 5 us a field. A field is *plain* when none of that is open: it reads an attribute of a
dataclass (Strawberry's default resolver) or is a function of it alone, takes no arguments, and what is selected below
it is plain as well. For plain fields this module works out once, from the types and the text of the operation, how a
value becomes part of the answer, and keeps that as long as the parsed document; a value then costs 0.4 us.

A plan answers only what it is sure of. Whatever else comes (an exception, a null where none may be, an awaitable, a
value of an unforeseen class, one that the scalar refuses) is a doubt, and the executor then completes that part in its
own way, whose answer and errors stand (tests/schema/test_compiled_selection.py holds the two together). So a property
may be read twice, and a function called. What depends on the variables of a request (@skip, @include) is not plain.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from operator import attrgetter
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLBoolean,
    GraphQLField,
    GraphQLID,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    OperationDefinitionNode,
    Undefined,
    is_leaf_type,
)
from graphql.execution.collect_fields import (
    CollectFieldsContext,
    DeferUsage,
    FieldDetails,
    FragmentDetails,
    visit_selection_sets,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema_converter import CustomGraphQLEnumType, GraphQLCoreConverter
from strawberry.types.fields.resolver import StrawberryResolver

Complete: TypeAlias = Callable[[Any], Any]
"""From a value to its part of the answer. Whatever it raises is a doubt."""

LEAF_CLASSES = frozenset({str, int, float, bool, dict, list, tuple, datetime, date, time, timedelta, Decimal, UUID})
"""What a scalar may be asked to serialise: neither exceptions nor awaitables, which mean something else."""

AS_IS: dict[Complete, type] = {
    GraphQLString.coerce_output_value: str,
    GraphQLID.coerce_output_value: str,
    GraphQLBoolean.coerce_output_value: bool,
    int: int,
}
"""The class of values that a serialiser returns as they are."""

NO_INFO: Any = None

MOST_PLANS = 2_000
"""Of one operation. Fields merged under @include can be combined in more ways than are worth keeping."""


class DoubtError(Exception):
    """The value is for the executor to complete."""


class Plan(NamedTuple):
    """How values of a type are completed: those of the classes in `as_is` not at all."""

    as_is: frozenset[type]
    complete: Complete


class PlainField(NamedTuple):
    key: str
    read: Callable[[Any], Any]
    as_is: frozenset[type]
    complete: Complete


class PlainFields:
    """The plain fields of a selection set. The others keep a place in the answer, which holds None for now."""

    __slots__ = ("_answer", "_fields", "others")

    def __init__(self, answer: dict[str, str | None], fields: list[PlainField], others: frozenset[str]) -> None:
        self._answer = answer
        self._fields = fields
        self.others = others

    def complete(self, source: object) -> dict[str, Any]:
        """Raises whatever reading or completing a field raises, for the executor to meet again."""
        answer: dict[str, Any] = self._answer.copy()
        for key, read, as_is, complete in self._fields:
            value = read(source)
            answer[key] = value if type(value) in as_is else complete(value)
        return answer


class CompiledSelections:
    """The plans of one operation, each made when it is first needed."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = {
            node.name.value: FragmentDetails(node)
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._plans: dict[tuple[object, ...], Plan | None] = {}

    def plan(self, type_: GraphQLOutputType, fields: Sequence[FieldDetails]) -> Plan | None:
        """How values of a type are completed with the selections of these fields of the document; None if not plainly.

        The nodes of a document stay where they are as long as the operation does, so they are known by their ids;
        those that select nothing, of scalars and enums, share one plan a type.
        """
        key = (type_, *[id(field.node) for field in fields if field.node.selection_set])
        try:
            return self._plans[key]
        except KeyError:
            plan = self._compile(type_, fields)
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            self._plans[key] = plan
            return plan

    def plain_fields(self, type_: GraphQLObjectType, selected: Mapping[str, Sequence[FieldDetails]]) -> PlainFields:
        """Of the fields selected of an object, by their keys in the answer, those that are plain."""
        answer: dict[str, str | None] = {}
        plain: list[PlainField] = []
        for key, fields in selected.items():
            is_type_name = fields[0].node.name.value == "__typename"
            answer[key] = type_.name if is_type_name else None
            if not is_type_name and (field := self._plain_field(type_, key, fields)):
                plain.append(field)
        others = {key for key, name in answer.items() if name is None} - {field.key for field in plain}
        return PlainFields(answer, plain, frozenset(others))

    def _plain_field(self, type_: GraphQLObjectType, key: str, fields: Sequence[FieldDetails]) -> PlainField | None:
        field = type_.fields.get(fields[0].node.name.value)
        read = _reader(field) if field else None
        plan = self.plan(field.type, fields) if field and read else None
        return PlainField(key, read, *plan) if read and plan else None

    def _compile(self, type_: GraphQLOutputType, fields: Sequence[FieldDetails]) -> Plan | None:
        if isinstance(type_, GraphQLNonNull):
            return self._compile_non_null(type_.of_type, fields)
        plan = self._compile_non_null(type_, fields)
        return plan and Plan(plan.as_is | {type(None)}, plan.complete)

    def _compile_non_null(self, type_: GraphQLOutputType, fields: Sequence[FieldDetails]) -> Plan | None:
        if isinstance(type_, GraphQLList):
            items = self.plan(type_.of_type, fields)
            return items and _list_plan(items)
        if isinstance(type_, GraphQLObjectType):
            return self._compile_object(type_, fields)
        if isinstance(type_, CustomGraphQLEnumType):
            return _enum_plan(type_)
        return _leaf_plan(type_) if is_leaf_type(type_) else None

    def _compile_object(self, type_: GraphQLObjectType, fields: Sequence[FieldDetails]) -> Plan | None:
        selected = self._selected(type_, fields)
        plain = None if selected is None else self.plain_fields(type_, selected)
        return None if plain is None or plain.others else _object_plan(type_, plain)

    def _selected(
        self, type_: GraphQLObjectType, fields: Sequence[FieldDetails]
    ) -> dict[str, list[FieldDetails]] | None:
        """What fields select of an object, by its keys in the answer; None where that depends on variables."""
        selected: dict[str, list[FieldDetails]] = defaultdict(list)
        deferred: list[DeferUsage] = []
        context = CollectFieldsContext(
            self._schema, self._fragments, VariableValues({}, {}), self._operation, type_, {}, True, [], True
        )
        for field in fields:
            if field.node.selection_set:
                visit_selection_sets(context, field.node.selection_set, selected, deferred)
        return None if context.forbidden_directive_instances or deferred else selected


def _reader(field: GraphQLField) -> Callable[[Any], Any] | None:
    """What gives a field's value from the object alone; None if there is more to it, as a permission or an `info`."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    made_by_strawberry = hasattr(field.resolve, "_is_default")
    if not made_by_strawberry or definition is None or definition.extensions:
        return None
    if definition.base_resolver:
        return _function_of_parent(definition.base_resolver)
    return attrgetter(definition.python_name) if definition.default_resolver is getattr else None


def _function_of_parent(resolver: StrawberryResolver[Any]) -> Callable[[Any], Any] | None:
    function, parameters = resolver.wrapped_func, list(resolver.signature.parameters.values())
    takes_parent = parameters in ([resolver.parent_parameter], [resolver.root_parameter], [resolver.self_parameter])
    return function if takes_parent and isinstance(function, FunctionType) and not resolver.is_async else None


def _list_plan(items: Plan) -> Plan:
    as_is, complete = items

    def complete_list(values: Any) -> list[Any]:
        if type(values) is not list and type(values) is not tuple:
            raise DoubtError
        return [value if type(value) in as_is else complete(value) for value in values]

    return Plan(frozenset(), complete_list)


def _object_plan(type_: GraphQLObjectType, fields: PlainFields) -> Plan:
    """A type is asked for its values without an `info`, which tells nothing of a value."""
    complete_fields, is_type_of = fields.complete, type_.is_type_of

    def complete_object(source: Any) -> dict[str, Any]:
        class_: Any = type(source)
        if not _is_plain(class_) or (is_type_of and is_type_of(source, NO_INFO) is not True):
            raise DoubtError
        return complete_fields(source)

    return Plan(frozenset(), complete_object)


@lru_cache(maxsize=1_000)
def _is_plain(class_: type[Any]) -> bool:
    return dataclasses.is_dataclass(class_) and not issubclass(class_, Exception) and not hasattr(class_, "__await__")


def _leaf_plan(type_: GraphQLLeafType) -> Plan:
    serialise = type_.coerce_output_value

    def complete_leaf(value: Any) -> Any:
        if type(value) in LEAF_CLASSES:
            serialised = serialise(value)
            if serialised is not None and serialised is not Undefined:
                return serialised
        raise DoubtError

    return Plan(frozenset({AS_IS[serialise]} if serialise in AS_IS else ()), complete_leaf)


def _enum_plan(type_: CustomGraphQLEnumType) -> Plan:
    """Strawberry looks through the members for each value. What equals one, as an int does, is none but it."""
    members: Any = type_.wrapped_cls
    names: dict[object, str] = {member: type_.coerce_output_value(member) for member in members}
    return Plan(frozenset(), names.__getitem__)
