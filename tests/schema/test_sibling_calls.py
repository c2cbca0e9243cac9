"""Siblings get the answers and errors that Strawberry's own executor gives, whatever they are asked with."""

from dataclasses import dataclass
from enum import Enum
from inspect import isawaitable
from typing import Any, cast

import pytest
import strawberry
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationDefinitionNode, parse
from strawberry.permission import BasePermission
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from formicary.schema.executor import OperationExecutor
from formicary.schema.operation import IS_AWAITABLE, Operation
from formicary.schema.scalars import CONFIG, DateTime, Duration
from formicary.schema.sibling_calls import SiblingCall


@strawberry.enum
class Size(Enum):
    SMALL = "small"
    LARGE = "large"


@strawberry.input
class Where:
    name: str = "any"
    sizes: list[Size] | None = None
    since: DateTime | None = None
    within: "Where | None" = None


@dataclass(frozen=True)
class Thing:
    number: int


class EvenOnly(BasePermission):
    message = "odd"

    def has_permission(self, source: Thing, info: object, **_kwargs: object) -> bool:
        return source.number % 2 == 0


Parent = strawberry.Parent[Thing]


async def _told(
    root: Parent,
    info: strawberry.Info[Any, None],
    text: str = "nothing",
    length: Duration | None = strawberry.UNSET,  # type: ignore[assignment]
    size: Size = Size.SMALL,
    where: Where | None = None,
    numbers: list[int] | None = None,
) -> str:
    return repr((root.number, info.field_name, info.path.key, text, length, size, where, numbers))


async def _divided(root: Parent, by: int) -> float:
    return root.number / by


async def _guarded(root: Parent, text: str = "in") -> str:
    return f"{root.number} {text}"


async def _alone() -> str:
    return "without a parent"


@strawberry.type(name="Thing")
class ThingType:
    told: str = strawberry.field(resolver=_told)
    divided: float | None = strawberry.field(resolver=_divided)
    surely_divided: float = strawberry.field(resolver=_divided)
    guarded: str | None = strawberry.field(resolver=_guarded, permission_classes=[EvenOnly])
    alone: str = strawberry.field(resolver=_alone)

    @strawberry.field
    async def own(self, more: int = 1) -> int:
        return cast("Thing", self).number + more


@strawberry.type
class Query:
    @strawberry.field
    async def things(self) -> list[ThingType | None]:
        return cast("list[ThingType | None]", [Thing(0), Thing(1), None, Thing(2), Thing(3)])


SCHEMA: GraphQLSchema = strawberry.Schema(Query, config=CONFIG)._schema

ASKED = {
    "defaults": ("told alone own guarded", {}),
    "literals": ('told(text: "a", length: "5m", size: LARGE, numbers: [1, 2]) own(more: 5) guarded(text: "x")', {}),
    "null": ("told(length: null, where: null, numbers: null)", {}),
    "a nested input": ('told(where: {name: "n", sizes: [SMALL, LARGE], since: "2026-01-01T00:00Z", within: {}})', {}),
    "variables": ("told(text: $text, where: $where, numbers: [$number, 3]) own(more: $number)", {
        "text": "v", "where": {"sizes": ["LARGE"]}, "number": 7}),
    "variables that are left out": ("told(text: $text, where: $where) own(more: $number)", {}),
    "a variable that may not be null": ("surelyDivided(by: $number)", {}),
    "aliases with other arguments": ('a: told(text: "a") b: told(text: "b") c: told', {}),
    "a fragment of the same field": ('... on Thing { told(text: "a") } told(text: "a")', {}),
    "resolvers that fail": ("divided(by: 0) told", {}),
    "resolvers that fail where none may": ("surelyDivided(by: 0)", {}),
    "a field that is left out": ("told @skip(if: true) own @include(if: true)", {}),
    "an enum that is none": ("told(size: HUGE)", {}),
    "text for a number": ('own(more: "five")', {}),
    "a duration that is none": ('told(length: "soon")', {}),
    "an argument that is missing": ("divided", {}),
}  # fmt: skip
QUERY = "query ($text: String, $where: Where, $number: Int) { things { %s } }"


async def answer(query: str, variables: dict[str, Any], *, ours: bool) -> tuple[str, list[object]]:
    document = parse(query)
    definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    extra = {"selections": Operation(SCHEMA, document, definition, lambda *_: ()).selections} if ours else {}
    chosen: Any = OperationExecutor if ours else StrawberryGraphQLCoreExecutionContext
    executor = chosen.build(
        SCHEMA, document, None, None, variables, is_awaitable=IS_AWAITABLE, max_coercion_errors=5, **extra
    )
    if isinstance(executor, list):
        return "", [str(error) for error in executor]
    pending = executor.execute_operation()
    result = cast("ExecutionResult", await pending if isawaitable(pending) else pending)
    return repr(result.data), [_error(error) for error in result.errors or ()]


def _error(error: GraphQLError) -> object:
    return error.message, error.path, error.locations, str(error.original_error)


@pytest.mark.parametrize(("fields", "variables"), ASKED.values(), ids=ASKED)
async def test_siblings_are_answered_as_by_strawberry(fields: str, variables: dict[str, Any]) -> None:
    query = QUERY % fields
    assert await answer(query, variables, ours=True) == await answer(query, variables, ours=False)


async def test_all_but_the_first_sibling_are_called_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []
    original = SiblingCall.__call__

    def call(self: SiblingCall, source: Thing, info: Any) -> Any:
        called.append(source.number)
        return original(self, source, info)

    monkeypatch.setattr(SiblingCall, "__call__", call)
    await answer("{ things { told } }", {}, ours=True)
    assert called == [1, 2, 3]
    called.clear()
    await answer("{ things { guarded own } }", {}, ours=True)
    assert called == [], "permissions and methods go Strawberry's way"
