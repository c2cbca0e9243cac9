"""What every field of the API takes: one table, checked once per operation and never while it runs.

A line names a type, and so all its fields, or one field of it. The root fields are the doors. Behind them a
field is ANY where it is a thing's own and READ where it leads on to other data, so that an INGEST key may
read back what its mutations give, and nothing from there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
)

from ..auth.principal import Access, Principal

ACCESS: Mapping[str, Access] = {
    "Query": Access.READ,
    "Mutation.registerAgent": Access.INGEST,
    "Mutation.registerVersion": Access.INGEST,
    "Mutation.recordRuns": Access.INGEST,
    "Mutation.updateAgent": Access.ADMIN,
    "Mutation.setModelPrice": Access.EVERYWHERE,
    "Mutation.aggregate": Access.EVERYWHERE,
    # things
    "Node": Access.ANY,
    "Project": Access.ANY,
    "Project.agents": Access.READ,
    "Agent": Access.ANY,
    "Agent.project": Access.ANY,
    "Agent.pheromoneHistory": Access.READ,
    "Agent.lastError": Access.READ,
    "Agent.latestVersion": Access.READ,
    "Agent.version": Access.READ,
    "Agent.versions": Access.READ,
    "Agent.runs": Access.READ,
    "Agent.metrics": Access.READ,
    "Agent.history": Access.READ,
    "Agent.breakdown": Access.READ,
    "Agent.topErrors": Access.READ,
    "Agent.trend": Access.READ,
    "Agent.lifetime": Access.READ,
    "AgentVersion": Access.ANY,
    "AgentVersion.agent": Access.ANY,
    "AgentVersion.runs": Access.READ,
    "AgentVersion.metrics": Access.READ,
    "AgentVersion.history": Access.READ,
    "AgentVersion.topErrors": Access.READ,
    "AgentVersion.lifetime": Access.READ,
    "Run": Access.ANY,
    "Run.agent": Access.ANY,
    "Run.version": Access.ANY,
    "Run.error": Access.ANY,
    "Run.parent": Access.READ,
    "RunError": Access.ANY,
    "RunError.run": Access.READ,
    "ModelPrice": Access.ANY,
    # lists
    "PageInfo": Access.READ,
    "ProjectConnection": Access.READ,
    "ProjectEdge": Access.READ,
    "AgentConnection": Access.READ,
    "AgentEdge": Access.READ,
    "AgentVersionConnection": Access.READ,
    "AgentVersionEdge": Access.READ,
    "RunConnection": Access.READ,
    "RunEdge": Access.READ,
    # figures
    "ResolvedRange": Access.READ,
    "Metrics": Access.READ,
    "Latency": Access.READ,
    "LatencyBucket": Access.READ,
    "Tokens": Access.READ,
    "Cost": Access.READ,
    "HistoryPoint": Access.READ,
    "BreakdownRow": Access.READ,
    "PheromonePoint": Access.READ,
    "ErrorGroup": Access.READ,
    "Lifetime": Access.READ,
    "Stat": Access.READ,
    "Activity": Access.READ,
    "SystemStatus": Access.READ,
    "BackgroundJob": Access.READ,
    # what a mutation answers
    "InputProblem": Access.ANY,
    "InvalidInput": Access.ANY,
    "RegisterAgentPayload": Access.ANY,
    "RegisterVersionPayload": Access.ANY,
    "RecordRunsPayload": Access.ANY,
    "RejectedRun": Access.ANY,
    "UpdateAgentPayload": Access.ANY,
    "ModelPricePayload": Access.ANY,
    "AggregatePayload": Access.ANY,
}

Selected: TypeAlias = tuple[GraphQLNamedType, SelectionSetNode]


@dataclass(frozen=True, slots=True)
class Requirement:
    field: str
    access: Access


def access_of(type_name: str, field_name: str) -> Access:
    """The access of a field. Raises KeyError where none is stated; introspection is open to any key."""
    if field_name.startswith("__") or type_name.startswith("__"):
        return Access.ANY
    return ACCESS.get(f"{type_name}.{field_name}") or ACCESS[type_name]


def required_access(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> tuple[Requirement, ...]:
    """What a valid operation takes: for every access beyond ANY one field that asks for it.

    Directives are not weighed: a field under `@skip` or `@include` counts whatever the variables say.
    """
    root = cast("GraphQLNamedType", schema.get_root_type(operation.operation))
    found: dict[Access, Requirement] = {}
    for type_name, field_name in _Walk(schema, document).fields((root, operation.selection_set)):
        access = access_of(type_name, field_name)
        found.setdefault(access, Requirement(f"{type_name}.{field_name}", access))
    found.pop(Access.ANY, None)
    return tuple(found.values())


def check(principal: Principal, required: tuple[Requirement, ...]) -> None:
    """Raise ForbiddenError, naming the field and the role, unless the principal may have all of it."""
    for requirement in required:
        principal.require(requirement.access, f"`{requirement.field}`")


class _Walk:
    """Over the fields that an operation selects, outermost first, each fragment once."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def fields(self, root: Selected) -> Iterator[tuple[str, str]]:
        level = [root]
        while level:
            inner: list[Selected] = []
            for parent, selections in level:
                for node in selections.selections:
                    if isinstance(node, FieldNode):
                        yield parent.name, node.name.value
                    inner += self._within(parent, node)
            level = inner

    def _within(self, parent: GraphQLNamedType, node: SelectionNode) -> Iterator[Selected]:
        if isinstance(node, FieldNode) and node.selection_set:
            field = self._schema.get_field(cast("GraphQLCompositeType", parent), node.name.value)
            if field:
                yield get_named_type(field.type), node.selection_set
        elif isinstance(node, InlineFragmentNode):
            yield self._type(node.type_condition) or parent, node.selection_set
        elif isinstance(node, FragmentSpreadNode):
            fragment = self._fragments.pop(node.name.value, None)
            if fragment:
                yield self._type(fragment.type_condition) or parent, fragment.selection_set

    def _type(self, condition: NamedTypeNode | None) -> GraphQLNamedType | None:
        return None if condition is None else self._schema.get_type(condition.name.value)
