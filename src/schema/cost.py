"""What an operation may cost: an upper bound of the objects in its answer, judged before it runs.

It needs the types and sizes of pages and batches, and so the variables when those hold one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
    is_list_type,
    value_from_ast_untyped,
)

from ..errors import LimitError
from ..resolvers.page import DEFAULT_PAGE_SIZE
from ..resolvers.pheromone_history import HOURS_A_DAY
from .history_size import points_asked
from .limits import fragments_of, over

UNPAGED_LIST_SIZE = 10
"""What a list that takes no page size is taken to hold."""

LIST_SIZES = {"modelPrices": 2_500, "problems": 1}
"""Lists of another size: the prices that the library knows; the faults of an input, of which few have several."""

SIZE_ARGUMENTS = ("ids", "first", "buckets")
"""Of lists that are no connections: what says how many things they hold."""

PARTS = {"ResolvedRange", "Latency", "Tokens", "Cost"}
"""Objects that only group figures of another one, and count as little as its own fields."""

LARGEST = 10**6
"""What asks for more is far over any limit already: so the product of sizes stays short enough to be said."""

INTROSPECTION_LIST_SIZE = 4

COSTS_KEPT = 32


class Cost:
    """The cost of one valid operation: computed once, or once per set of the variables that it depends on."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema
        self._fragments = fragments_of(document)
        self._operation = operation
        self._defaults = {node.variable.name.value: node.default_value for node in operation.variable_definitions or ()}
        self._known: OrderedDict[tuple[int, ...], int] = OrderedDict()
        first = _Estimate(self, {}, {})
        first_cost = first.operation(operation)
        self._names = tuple(sorted(first.variables))
        self._histories = list(first.histories.values())
        if not self._names and not self._histories:
            self._known[()] = first_cost

    def hold(self, limit: int, variables: Mapping[str, Any]) -> None:
        """Raise LimitError when the answer could hold more than `limit` objects."""
        cost = self.of(variables)
        if cost > limit:
            raise over(
                "cost",
                limit,
                f"up to {cost} objects in its answer",
                "Ask for smaller pages (`first`, `last`), or send smaller batches.",
            )

    def of(self, variables: Mapping[str, Any]) -> int:
        sizes = {name: self._size(variables.get(name), name) for name in self._names}
        points = self._points(variables) if self._histories else {}
        key = (*sizes.values(), *points.values())
        if (cost := self._known.get(key)) is None:
            cost = self._known[key] = _Estimate(self, sizes, points).operation(self._operation)
            if len(self._known) > COSTS_KEPT:
                self._known.popitem(last=False)
        return cost

    def _points(self, variables: Mapping[str, Any]) -> dict[int, int]:
        """Of each history, by the id of its node."""
        defaults = {name: value_from_ast_untyped(node) for name, node in self._defaults.items() if node}
        return {id(node): points_asked(node, {**defaults, **variables}) for node in self._histories}

    def _size(self, value: object, name: str) -> int:
        if value is None and (default := self._defaults.get(name)) is not None:
            return literal_size(default)
        return _size_of(value)


class _Estimate:
    """One walk over an operation. A fragment is walked once per type of list that it stands in."""

    def __init__(self, cost: Cost, sizes: Mapping[str, int], points: Mapping[int, int]) -> None:
        self._schema = cost._schema
        self._fragments = cost._fragments
        self._sizes = sizes
        self._points = points
        self._spreads: dict[tuple[str, int], int] = {}
        self.variables: set[str] = set()
        self.histories: dict[int, FieldNode] = {}

    def operation(self, node: OperationDefinitionNode) -> int:
        try:
            root = self._schema.get_root_type(node.operation)
            return self._selections(root, node.selection_set, UNPAGED_LIST_SIZE)
        except RecursionError:
            raise LimitError("The query nests fragments too deeply.") from None

    def _selections(self, parent: GraphQLNamedType | None, selections: SelectionSetNode, held: int) -> int:
        """Objects below one object of `parent`; `held` is how many each of its lists without arguments holds."""
        total = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                field = self._schema.get_field(cast("GraphQLCompositeType", parent), node.name.value)
                if field and node.selection_set:
                    total += self._field(field, node, node.selection_set, held)
            elif isinstance(node, InlineFragmentNode):
                total += self._selections(self._type(node) or parent, node.selection_set, held)
            elif isinstance(node, FragmentSpreadNode):
                total += self._spread(node.name.value, held)
        return total

    def _spread(self, name: str, held: int) -> int:
        key = (name, held)
        if key not in self._spreads:
            fragment = self._fragments[name]
            self._spreads[key] = self._selections(self._type(fragment), fragment.selection_set, held)
        return self._spreads[key]

    def _type(self, node: InlineFragmentNode | FragmentDefinitionNode) -> GraphQLNamedType | None:
        return self._schema.get_type(node.type_condition.name.value) if node.type_condition else None

    def _field(self, field: GraphQLField, node: FieldNode, selections: SelectionSetNode, held: int) -> int:
        result = get_named_type(field.type)
        if not is_composite_type(result):
            return 0
        if is_connection(result):
            return 1 + self._selections(result, selections, self._page(node))
        size, counts = self._length(field, node, result, held)
        return size * (counts + self._selections(result, selections, self._batch(field, node)))

    def _length(self, field: GraphQLField, node: FieldNode, result: GraphQLNamedType, held: int) -> tuple[int, int]:
        """How often a field's value occurs, and what each counts itself."""
        if not is_list_type(get_nullable_type(field.type)):
            return 1, not result.name.startswith("__") and result.name not in PARTS
        if result.name.startswith("__"):
            all_types = node.name.value == "types"
            return len(self._schema.type_map) if all_types else INTROSPECTION_LIST_SIZE, 1
        if result.name == "HistoryPoint":
            self.histories[id(node)] = node
            return self._points.get(id(node), 0), 1
        if result.name == "PheromonePoint":
            return HOURS_A_DAY * self._asked(field, node, "days"), 1
        for name in SIZE_ARGUMENTS:
            if name in field.args:
                return self._asked(field, node, name), 1
        return LIST_SIZES.get(node.name.value, held), 1

    def _asked(self, field: GraphQLField, node: FieldNode, name: str) -> int:
        """What an argument says of the size of a list, or its default."""
        for argument in node.arguments or ():
            if argument.name.value == name:
                return self._value(argument.value)
        default = field.args[name].default_value
        return default if isinstance(default, int) else DEFAULT_PAGE_SIZE

    def _page(self, node: FieldNode) -> int:
        sizes = [self._value(a.value) for a in node.arguments or () if a.name.value in ("first", "last")]
        return max(sizes, default=DEFAULT_PAGE_SIZE)

    def _batch(self, field: GraphQLField, node: FieldNode) -> int:
        """What a list of a field's answer holds: as many as were sent, where the field takes a list of inputs."""
        for argument in node.arguments or ():
            if is_batch(field.args[argument.name.value].type):
                return self._value(argument.value)
        return UNPAGED_LIST_SIZE

    def _value(self, value: ValueNode) -> int:
        if isinstance(value, VariableNode):
            self.variables.add(value.name.value)
            return self._sizes.get(value.name.value, DEFAULT_PAGE_SIZE)
        if isinstance(value, ObjectValueNode):
            return max(map(self._value, _lists_in(value)), default=DEFAULT_PAGE_SIZE)
        return literal_size(value)


def is_connection(type_: GraphQLNamedType) -> bool:
    return isinstance(type_, GraphQLObjectType) and "pageInfo" in type_.fields


def is_batch(type_: GraphQLInputType) -> bool:
    """Whether an argument of this type takes a list of inputs, as such or in one of its fields."""
    named = get_named_type(type_)
    fields = named.fields.values() if isinstance(named, GraphQLInputObjectType) else ()
    return any(_is_list_of_inputs(each) for each in (type_, *(field.type for field in fields)))


def _is_list_of_inputs(type_: GraphQLInputType) -> bool:
    return is_list_type(get_nullable_type(type_)) and isinstance(get_named_type(type_), GraphQLInputObjectType)


def literal_size(value: ValueNode) -> int:
    """The size that a literal asks for; what is not a size is refused elsewhere, and counts as a default page."""
    if isinstance(value, IntValueNode) and len(value.value) <= 10:
        return _clamped(int(value.value))
    if isinstance(value, ListValueNode):
        return len(value.values)
    if isinstance(value, ObjectValueNode):
        return max(map(literal_size, _lists_in(value)), default=DEFAULT_PAGE_SIZE)
    return DEFAULT_PAGE_SIZE


def _lists_in(value: ObjectValueNode) -> list[ValueNode]:
    return [field.value for field in value.fields if isinstance(field.value, ListValueNode | VariableNode)]


def _size_of(value: object) -> int:
    """The size that a variable's value stands for; of an input, that of its longest list."""
    match value:
        case int():
            return _clamped(value)
        case list():
            return len(value)
        case Mapping():
            return _longest(value.values())
        case msgspec.Struct():
            return _longest(msgspec.structs.astuple(value))
    return DEFAULT_PAGE_SIZE


def _longest(values: Iterable[object]) -> int:
    return max((len(value) for value in values if isinstance(value, list)), default=DEFAULT_PAGE_SIZE)


def _clamped(size: int) -> int:
    return min(max(size, 0), LARGEST)
