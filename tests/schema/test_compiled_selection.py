"""Compiled selections give the data and the errors of graphql-core's executor, whatever is selected of whatever."""

import gc
import weakref
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from inspect import isawaitable
from typing import Any, NamedTuple, cast

import pytest
from graphql import (
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    Undefined,
    get_named_type,
    is_leaf_type,
    parse,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from formicary.schema import compiled_selection
from formicary.schema.compiled_selection import CompiledSelections
from formicary.schema.executor import OperationExecutor
from formicary.schema.operation import IS_AWAITABLE, Operation

from .sample_schema import ATTRIBUTES, RAISES, SAMPLE, AwaitedItem, Colour, FailedItem, Item, Level, Ready, Several

SCHEMA = SAMPLE._schema
PLAIN = cast("GraphQLObjectType", SCHEMA.type_map["Plain"])


class Answer(NamedTuple):
    """`data` as Python prints it, which tells 1 from True and keeps the order of keys."""

    data: str
    errors: list[tuple[object, ...]]
    asked: int
    """How many fields went the ordinary way, however often each."""


def operation_of(query: str) -> Operation:
    document = parse(query)
    definition = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return Operation(SCHEMA, document, definition, lambda *_: ())


class Counted:
    """An executor that counts the fields it asks for."""

    asked = 0

    def build_resolve_info(self, *args: Any, **kwargs: Any) -> Any:
        self.asked += 1
        return super().build_resolve_info(*args, **kwargs)  # type: ignore[misc]


class Compiled(Counted, OperationExecutor):
    pass


class Ordinary(Counted, StrawberryGraphQLCoreExecutionContext):
    pass


def error_of(error: GraphQLError) -> tuple[object, ...]:
    cause = error.original_error
    return error.message, error.path, error.locations, type(cause), str(cause)


async def answer(operation: Operation, source: object, variables: dict[str, Any], *, compiled: bool) -> Answer:
    chosen: Any = Compiled if compiled else Ordinary
    extra = {"selections": operation.selections} if compiled else {}
    executor = chosen.build(
        SCHEMA, operation.document, None, source, variables, is_awaitable=IS_AWAITABLE, max_coercion_errors=1, **extra
    )
    result = executor.execute_operation()
    result = await result if isawaitable(result) else result
    return Answer(repr(result.data), [error_of(error) for error in result.errors or ()], executor.asked)


async def both(query: str | Operation, source: object, **variables: object) -> Answer:
    """The answer of compiled selections, after holding it against the ordinary one."""
    operation = operation_of(query) if isinstance(query, str) else query
    ordinary = await answer(operation, source, variables, compiled=False)
    compiled = await answer(operation, source, variables, compiled=True)
    assert compiled[:2] == ordinary[:2]
    return compiled


LEAVES = {
    "name": "a",
    "number": -5,
    "share": 0.25,
    "flag": True,
    "key": "k",
    "count_": 2**52,
    "at": datetime(2026, 1, 1, 12, 0, 0, 500, tzinfo=timezone(timedelta(hours=2))),
    "cost": Decimal("1E-3"),
    "length": 330_000,
    "data": {"a": [1, None]},
    "fickle": "f",
    "colour": Colour.BLUE,
    "level": Level.HIGH,
    "colours": [Colour.RED, None],
    "grid": [[1, 2], None, []],
}
ALL_LEAVES = "name nick number share flag key count at cost length data fickle colour level numbers colours grid"


async def test_plain_fields_are_not_asked_one_by_one() -> None:
    source = Item(values={"list_": [Item(values=LEAVES), Item(values={"nested": Item()})]})
    one = await both(f"{{ plain {{ list {{ {ALL_LEAVES} nested {{ {ALL_LEAVES} }} }} }} }}", source)
    assert (one.errors, one.asked) == ([], 1)
    assert "'cost': '0.001', 'length': 'PT330S', 'data': {'a': [1, None]}, 'fickle': 'f', 'colour': 'BLUE'" in one.data
    assert "'at': '2026-01-01T10:00:00.000500Z'" in one.data


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("{ plains { name } }", 1),
        ("{ holed { name } }", 1),
        ("{ later { name } }", 1),
        ("{ plain { nick resolved name } }", 1),
        ("{ plain { nick guarded name } }", 2),
        ("{ plain { nick scaled name } }", 2),
        ("{ plain { a: name awaited { name } b: name } }", 2),
        ("{ plains { name guarded } }", 3),
        ("{ plain { __typename kind: __typename n: name ...F } } fragment F on Plain { ... { m: name } }", 1),
        ("{ plain { list { name } ...F } } fragment F on Plain { list { nick ...G } } fragment G on Plain { flag }", 1),
        ("query ($v: Boolean! = true) { plain { name @include(if: $v) ... @skip(if: $v) { nick } } }", 1),
        ("query ($v: Boolean! = true) { plain { name list { name @include(if: $v) } } }", 2),
        ("query ($v: Boolean! = true) { plain { name list { ... @skip(if: $v) { name } } } }", 2),
        ("{ ones { name } }", 1),
        ("{ plain { ones { name } } }", 1),
        ("{ plain { eithers { ... on Named { name } } } }", 2),
        ("{ plain { scaled(by: 3) list { guarded } } }", 5),
    ],
)
async def test_only_what_is_not_plain_is_asked(query: str, asked: int) -> None:
    ones = [Item("One"), Item("One")]
    values = {"list_": [Item(), Item()], "holed": [None, Item()], "ones": ones, "eithers": [Item("Two")]}
    one = await both(query, Item(values=values))
    assert (one.errors, one.asked) == ([], asked)


VALUES: list[Any] = [
    None,
    Undefined,
    RAISES,
    ValueError("as a value"),
    FailedItem(),
    AwaitedItem(),
    Ready(1),
    Ready(None),
    float("nan"),
    float("inf"),
    2**70,
    2**31,
    1.0,
    True,
    "",
    "text",
    "RED",
    "1",
    b"bytes",
    object(),
    Colour.RED,
    Level.LOW,
    Item(),
    {"name": "of a dict"},
    [],
    (1, 2),
    [None],
    [1, "a", RAISES],
    [Ready(1), Item()],
    [Item(), None],
    Several([1, 2]),
    Several([Item()]),
    {1, 2},
    datetime(2026, 1, 1, tzinfo=UTC),
    Decimal("NaN"),
]


@pytest.mark.parametrize("attribute", ATTRIBUTES)
async def test_whatever_a_field_holds_is_answered_the_same_either_way(attribute: str) -> None:
    name, named_type = next(
        (name, get_named_type(field.type))
        for name, field in PLAIN.fields.items()
        if name.lower() == attribute.replace("_", "")
    )
    below = "" if is_leaf_type(named_type) else "{ __typename ... on Plain { name nick } ... on Named { name nick } }"
    for value in VALUES:
        source = Item(values={attribute: value})
        await both(f"{{ plain {{ name {name} {below} scaled }} }}", source)
        await both(f"{{ plain {{ list {{ name {name} {below} }} }} }}", Item(values={"list_": [Item(), source]}))


@pytest.mark.parametrize(
    "query",
    [
        "{ sure { name } }",
        "{ sure { nested { sureNested { name } } } }",
        "{ sure { resolved name awaited { name } } }",
        "{ sure { nested { sureNested { sureNested { __typename } } } } }",
    ],
)
async def test_a_null_where_none_may_be_takes_away_what_holds_it(query: str) -> None:
    nameless = Item(values={"name": None, "sure_nested": None})
    nested = Item(values={"sure_nested": nameless})
    one = await both(query, Item(values={"name": None, "nested": nested}))
    assert len(one.errors) == 1
    assert one.data in {"None", "{'sure': {'nested': None}}"}


async def test_what_a_permission_guards_is_not_answered_past_it() -> None:
    secret = Item(values={"nick": "secret", "guarded": "x"})
    one = await both("{ plain { nick guarded list { guarded } } }", Item(values={**secret.values, "list_": [secret]}))
    assert one.data == "{'plain': {'nick': 'secret', 'guarded': None, 'list': [{'guarded': None}]}}"
    assert [error[0] for error in one.errors] == ["not for you", "not for you"]


async def test_a_resolver_put_in_place_of_ours_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PLAIN.fields["nick"], "resolve", lambda *_: "replaced")
    one = await both("{ plain { nick } }", Item(values={"nick": "own"}))
    assert one.data == "{'plain': {'nick': 'replaced'}}"


async def test_plans_are_made_once_and_go_with_their_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = operation_of(f"{{ plain {{ list {{ {ALL_LEAVES} }} }} }}")
    source = Item(values={"list_": [Item()]})
    first = await both(operation, source)
    with monkeypatch.context() as patched:
        patched.delattr(CompiledSelections, "_compile")
        assert await both(operation, source) == first
    kept = weakref.ref(operation.selections)
    del operation
    gc.collect()
    assert kept() is None


async def test_the_plans_of_an_operation_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_selection, "MOST_PLANS", 8)
    names = [f"v{n}" for n in range(6)]
    parts = " ".join(f"... @include(if: ${name}) {{ nested {{ {name}: name }} }}" for name in names)
    operation = operation_of(f"query ({' '.join(f'${name}: Boolean!' for name in names)}) {{ plain {{ {parts} }} }}")
    for number in range(2**6):
        chosen = {name: bool(number >> position & 1) for position, name in enumerate(names)}
        await both(operation, Item(values={"nested": Item()}), **chosen)
        assert len(operation.selections._plans) <= 8


CONDITIONS = {
    "Query": ["", "on Query"],
    "Plain": ["", "on Plain"],
    "One": ["", "on One", "on Named", "on Either"],
    "Two": ["", "on Two", "on Named", "on Either"],
    "Named": ["", "on One", "on Two", "on Named"],
    "Either": ["", "on One", "on Two", "on Named"],
}
DIRECTIVES = ["", "", "", "", "@include(if: $yes)", "@skip(if: $no)", "@include(if: $no)", "@skip(if: false)"]
FRAGMENTS = {"P": "Plain", "N": "Named", "E": "Either", "O": "One"}


@st.composite
def selections(draw: st.DrawFn, type_name: str, depth: int, spreads: str = "PNEO") -> str:
    """A selection set that is valid for a type; of fragments it spreads only those named."""
    parts = [draw(fields(type_name, depth, spreads))]
    for _ in range(draw(st.integers(0, 4))):
        what, directive = draw(st.sampled_from("fffis")), draw(st.sampled_from(DIRECTIVES))
        fitting = [name for name in spreads if f"on {FRAGMENTS[name]}" in CONDITIONS[type_name]]
        if what == "i" and depth:
            condition = draw(st.sampled_from(CONDITIONS[type_name]))
            inner = condition.removeprefix("on ") or type_name
            parts.append(f"... {condition} {directive} {draw(selections(inner, depth - 1, spreads))}")
        elif what == "s" and fitting:
            parts.append(f"...{draw(st.sampled_from(fitting))} {directive}")
        else:
            parts.append(draw(fields(type_name, depth, spreads)))
    return "{ " + " ".join(parts) + " }"


@st.composite
def fields(draw: st.DrawFn, type_name: str, depth: int, spreads: str) -> str:
    type_ = SCHEMA.type_map[type_name]
    known = getattr(type_, "fields", {})
    composite = {name for name in known if get_named_type(known[name].type).name in CONDITIONS}
    name = draw(st.sampled_from(["__typename", *(name for name in known if depth or name not in composite)]))
    alias = draw(st.sampled_from(["", "", f"{name.strip('_')}_a: ", f"{name.strip('_')}_b: "]))
    directive = draw(st.sampled_from(DIRECTIVES))
    if name == "scaled":
        return f"{alias}scaled {directive}" if not alias else f"{alias}scaled(by: 3) {directive}"
    below = draw(selections(get_named_type(known[name].type).name, depth - 1, spreads)) if name in composite else ""
    return f"{alias}{name} {directive} {below}"


@st.composite
def operations(draw: st.DrawFn) -> str:
    """An operation with fragments, each of which spreads only those that come after it."""
    names = list(FRAGMENTS)
    texts = [f"query ($yes: Boolean!, $no: Boolean!) {draw(selections('Query', 4))}"]
    for position, name in enumerate(names):
        later = "".join(names[position + 1 :])
        texts.append(f"fragment {name} on {FRAGMENTS[name]} {draw(selections(FRAGMENTS[name], 2, later))}")
    return "\n".join(texts)


ODD = st.sampled_from([None, None, RAISES, ValueError("odd"), float("nan"), 2**70, "odd", Ready(None), Undefined, 1.5])


def some(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Nearly always one of these values, now and then an odd one or an awaitable of one."""
    return st.integers(0, 30).flatmap(lambda n: ODD if n == 0 else values.map(Ready) if n == 1 else values)


def items(depth: int, kinds: str = "Plain") -> st.SearchStrategy[Any]:
    below = st.none() if depth == 0 else items(depth - 1)
    typed = st.none() if depth == 0 else items(depth - 1, "One Two One Two Plain")
    ones = st.none() if depth == 0 else items(depth - 1, "One")
    values: dict[str, st.SearchStrategy[Any]] = {name: st.just(value) for name, value in LEAVES.items()}
    values |= {
        "number": st.integers(-(2**31), 2**31 - 1),
        "share": st.floats(allow_nan=False, allow_infinity=False),
        "nested": below,
        "list_": st.lists(below, max_size=2),
        "holed": st.lists(st.none() | below, max_size=3).map(tuple),
        "one": ones,
        "ones": st.lists(ones, max_size=2),
        "named": typed,
        "either": typed,
        "eithers": st.lists(typed, max_size=2),
    }
    values |= {f"sure_{name}": values[name] for name in ("number", "share", "colour")}
    values |= {"nick": st.sampled_from(["nick", "secret"]), "guarded": st.just("a secret")}
    values |= {"sure_count": values["count_"]} | ({"sure_nested": below} if depth else {})
    optional = {name: some(strategy) for name, strategy in values.items()}
    return st.builds(Item, st.sampled_from(kinds.split()), st.fixed_dictionaries({}, optional=optional))


@settings(max_examples=200, deadline=None)
@given(operations(), items(3), st.booleans(), st.booleans())
async def test_any_selection_of_any_value_is_answered_the_same_either_way(
    query: str, source: Item, yes: bool, no: bool
) -> None:
    operation = operation_of(query)
    await both(operation, source, yes=yes, no=no)
    await both(operation, source, yes=no, no=yes)
