"""How values become an answer: graphql-core's executor, with the plain parts left to compiled selections."""

from collections.abc import Awaitable
from typing import Any, NamedTuple

from graphql import GraphQLList, GraphQLObjectType, GraphQLResolveInfo
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.execution.executor import to_nodes
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from .compiled_selection import CompiledSelections, PlainFields
from .sibling_calls import SiblingCalls


class OperationExecutor(StrawberryGraphQLCoreExecutionContext):
    """Strawberry's executor, which leaves the plain parts of an answer to the operation's compiled selections.

    What these are in doubt about is completed as ever, from the start, so that its errors are the executor's own.
    """

    def __init__(self, *args: Any, selections: CompiledSelections, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._selections = selections
        self._plain_parts: dict[int, _PlainPart] = {}
        self._sibling_calls = SiblingCalls(self.schema, self.variable_values)

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        plain, others = self._plain_part(parent_type, grouped_field_set)
        try:
            answer = plain.complete(source_value)
        except Exception:  # noqa: BLE001 -- the executor meets it again, and reports it
            return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)
        if not others:
            return answer
        rest = super().execute_fields(parent_type, source_value, path, others, position_context)
        if isinstance(rest, dict):
            return answer | rest
        return _merged(answer, rest)

    def _plain_part(self, type_: GraphQLObjectType, selected: GroupedFieldSet) -> tuple[PlainFields, GroupedFieldSet]:
        """The plain fields of a selection set, and the others. The executor hands in the same set for all siblings."""
        if known := self._plain_parts.get(id(selected)):
            return known.plain, known.others
        plain = self._selections.plain_fields(type_, selected)
        part = _PlainPart(selected, plain, {key: selected[key] for key in selected if key in plain.others})
        self._plain_parts[id(selected)] = part
        return part.plain, part.others

    def execute_field(
        self,
        parent_type: GraphQLObjectType,
        source: Any,
        field_details_list: FieldDetailsList,
        path: Path,
        position_context: Any,
    ) -> AwaitableOrValue[Any]:
        call = self._sibling_calls.of(parent_type, field_details_list)
        if call is None:
            return super().execute_field(parent_type, source, field_details_list, path, position_context)
        info = self.build_resolve_info(call.definition, to_nodes(field_details_list), parent_type, path)
        result = call(source, info)
        type_ = call.definition.type
        return self.complete_awaitable_value(type_, field_details_list, info, path, result, position_context)

    def complete_list_value(
        self,
        return_type: GraphQLList[Any],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> AwaitableOrValue[list[Any]]:
        plan = self._selections.plan(return_type, field_details_list)
        if plan:
            try:
                answer: list[Any] = plan.complete(result)
            except Exception:  # noqa: BLE001 -- the executor meets it again, and reports it
                plan = None
            else:
                return answer
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)


class _PlainPart(NamedTuple):
    """`selected` is kept, so that its id stays its own."""

    selected: GroupedFieldSet
    plain: PlainFields
    others: GroupedFieldSet


async def _merged(answer: dict[str, Any], rest: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    return answer | await rest
