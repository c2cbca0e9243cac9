"""The pipeline from a request to a result, without HTTP."""

import time
from dataclasses import dataclass, field

import pytest
import strawberry
from graphql import GraphQLSchema
from strawberry.types import Info

from formicary.auth import Access, Principal
from formicary.models.api_key import Role
from formicary.schema.access import Requirement
from formicary.schema.limits import Limits
from formicary.schema.operation import GraphQLRequest, GraphQLResult, Operations, ReadOnlyError


@strawberry.type
class Query:
    @strawberry.field
    def hello(self, name: str = "you") -> str:
        return f"hello {name}"

    @strawberry.field
    async def later(self, info: Info) -> str:
        info.context.seen.append("later")
        return "later"

    @strawberry.field
    def self(self) -> "Query":
        return Query()


@strawberry.type
class Mutation:
    @strawberry.mutation
    def change(self, info: Info, to: str) -> str:
        info.context.seen.append(to)
        return to


SCHEMA = strawberry.Schema(query=Query, mutation=Mutation)


@dataclass
class Context:
    principal: Principal = field(default_factory=Principal.open)
    seen: list[str] = field(default_factory=list)


class Permissions:
    """Reading takes READ; counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, schema: GraphQLSchema, document: object, operation: object) -> tuple[Requirement, ...]:
        self.asked += 1
        return (Requirement("Query.hello", Access.READ),)


@pytest.fixture
def permissions() -> Permissions:
    return Permissions()


@pytest.fixture
def operations(permissions: Permissions) -> Operations:
    return Operations(SCHEMA, permissions=permissions, limits=Limits(cost=3))


async def run(
    operations: Operations,
    query: str,
    context: Context | None = None,
    variables: str | None = None,
    operation_name: str | None = None,
) -> GraphQLResult:
    request = GraphQLRequest(query, variables.encode() if variables else None, operation_name)
    return await operations.execute(request, context or Context())


def codes(result: GraphQLResult) -> set[str]:
    assert result.is_request_error
    assert result.data is None
    return result.codes


async def test_what_is_asked_for_is_answered(operations: Operations) -> None:
    result = await run(operations, "query($n: String!) { hello(name: $n) later }", variables='{"n": "me"}')
    assert result == GraphQLResult({"hello": "hello me", "later": "later"})


async def test_mutations_run_one_after_the_other(operations: Operations) -> None:
    context = Context()
    await run(operations, 'mutation { a: change(to: "1") b: change(to: "2") }', context)
    assert context.seen == ["1", "2"]


async def test_a_text_is_prepared_once(operations: Operations, permissions: Permissions) -> None:
    for _ in range(3):
        await run(operations, "{ hello }")
    assert permissions.asked == 1


async def test_a_long_text_is_not_kept(operations: Operations, permissions: Permissions) -> None:
    query = "{ hello }" + "#" * 70_000
    for _ in range(2):
        assert (await run(operations, query)).data == {"hello": "hello you"}
    assert permissions.asked == 2


async def test_the_texts_used_last_are_kept(operations: Operations, permissions: Permissions) -> None:
    texts = [f"{{ hello }}#{n}{'x' * 60_000}" for n in range(5)]
    for text in texts[:4] + texts[:1] + texts[4:]:
        await run(operations, text)
    await run(operations, texts[0])
    assert permissions.asked == 5


async def test_the_texts_kept_are_bounded_in_bytes(operations: Operations, permissions: Permissions) -> None:
    texts = [f"{{ hello }}#{n}{'x' * 60_000}" for n in range(20)]
    for text in texts:
        await run(operations, text)
    await run(operations, texts[-1])
    assert permissions.asked == 20
    await run(operations, texts[0])
    assert permissions.asked == 21


async def test_who_may_not_is_refused_before_anything_runs(operations: Operations) -> None:
    context = Context(Principal(Role.INGEST))
    assert codes(await run(operations, "{ later }", context)) == {"FORBIDDEN"}
    assert context.seen == []


async def test_the_limit_holds_before_anything_runs(operations: Operations) -> None:
    context = Context()
    result = await run(operations, "{ later self { self { self { self { hello } } } } }", context)
    assert codes(result) == {"LIMIT_EXCEEDED"}
    assert context.seen == []


async def test_a_read_only_request_changes_nothing(operations: Operations) -> None:
    context = Context()
    with pytest.raises(ReadOnlyError):
        await operations.execute(GraphQLRequest('mutation { change(to: "x") }', read_only=True), context)
    assert context.seen == []


@pytest.mark.parametrize(
    ("query", "name"),
    [("query A { hello } query B { later }", None), ("query A { hello }", "B"), ("{ hello }", "A")],
)
async def test_an_operation_that_is_not_there_cannot_run(operations: Operations, query: str, name: str | None) -> None:
    assert codes(await run(operations, query, operation_name=name)) == {"OPERATION_RESOLUTION_FAILURE"}


@pytest.mark.parametrize("variables", ["{", '{"a": 1e400}', '{"a":' * 2000 + "1" + "}" * 2000, '{"\\ud800": 1}'])
async def test_variables_that_cannot_be_read_are_bad_input(operations: Operations, variables: str) -> None:
    assert codes(await run(operations, "{ hello }", variables=variables)) == {"BAD_USER_INPUT"}


def doubled(levels: int) -> str:
    return "hello" if levels == 0 else f"self {{{doubled(levels - 1)}}} " * 2


@pytest.mark.parametrize(
    "query",
    [
        "{" + " hello" * 1900 + "}",
        "{" + ' hello(name: "a")' * 1500 + "}",
        "{" + "".join(f" hello(name: {n})" for n in range(1000)) + "}",
        "{" + doubled(7) + "}",
        "{"
        + "".join(f"...F{n} " for n in range(800))
        + "}"
        + "".join(f"fragment F{n} on Query {{ hello }}" for n in range(800)),
        "{...F0} " + "".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(1000)),
        "{" + "hello @include(if: true) " * 1000 + "}",
        "{" * 100_000,
        "{ hello(name: " + "[" * 100_000,
        "query(" + "$a: Int " * 2000 + ") { hello }",
        "{" + " helo" * 1900 + "}",
        "#\n" * 120_000 + "{ hello }",
        '{ hello(name: """' + "a\n" * 100_000 + '""") }',
        "{" + "".join(f" a{n}: hello" for n in range(2_000_000)) + "}",
    ],
    ids=range(14),
)
async def test_no_document_keeps_the_server_busy(query: str) -> None:
    operations = Operations(SCHEMA, permissions=Permissions())
    started = time.process_time()
    result = await run(operations, query)
    assert time.process_time() - started < 1
    assert all(len(error["message"]) <= 1000 for error in result.errors)
    assert "INTERNAL" not in result.codes
