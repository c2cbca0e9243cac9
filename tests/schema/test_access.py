from collections.abc import Iterator

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    parse,
)
from graphql.language import OperationDefinitionNode

from formicary.auth import Access, Principal
from formicary.errors import ForbiddenError
from formicary.models import Role
from formicary.schema import schema as api
from formicary.schema.access import ACCESS, access_of, check, required_access

FRAGMENTS = """
fragment Hidden on Run { id parent { id } }
fragment Nested on Run { agent { ...Deep } }
fragment Deep on Agent { lastError { type } }
"""

THINGS = {"Project", "Agent", "AgentVersion", "Run", "RunError", "ModelPrice"}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return api._schema


def fields(schema: GraphQLSchema) -> Iterator[tuple[str, str, GraphQLField]]:
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                yield name, field_name, field


def required(schema: GraphQLSchema, text: str, operation: int = 0) -> dict[str, Access]:
    document = parse(text)
    node = document.definitions[operation]
    assert isinstance(node, OperationDefinitionNode)
    return {r.field: r.access for r in required_access(schema, document, node)}


def test_every_field_has_a_stated_access(schema: GraphQLSchema) -> None:
    unstated = [f"{kind}.{name}" for kind, name, _ in fields(schema) if not {kind, f"{kind}.{name}"} & set(ACCESS)]
    assert unstated == []


def test_the_table_states_nothing_that_does_not_exist(schema: GraphQLSchema) -> None:
    existing = {coordinate for kind, name, _ in fields(schema) for coordinate in (kind, f"{kind}.{name}")}
    assert set(ACCESS) - existing == set()


def test_every_mutation_has_an_access_of_its_own_that_reading_does_not_give(schema: GraphQLSchema) -> None:
    stated = {name: ACCESS.get(f"Mutation.{name}") for kind, name, _ in fields(schema) if kind == "Mutation"}
    assert set(stated.values()) <= {Access.INGEST, Access.ADMIN, Access.EVERYWHERE}


def test_every_link_from_one_thing_to_another_is_stated_by_itself(schema: GraphQLSchema) -> None:
    links = {
        f"{kind}.{name}"
        for kind, name, field in fields(schema)
        if kind in THINGS and is_composite_type(get_named_type(field.type))
    }
    assert links - set(ACCESS) == set()


def test_an_interface_gives_no_way_around_its_types(schema: GraphQLSchema) -> None:
    for kind, name, _ in fields(schema):
        interface = schema.type_map[kind]
        if isinstance(interface, GraphQLInterfaceType):
            for possible in schema.get_possible_types(interface):
                assert access_of(kind, name).roles <= access_of(possible.name, name).roles


def test_an_unstated_field_is_an_error_and_not_open() -> None:
    with pytest.raises(KeyError):
        access_of("Invented", "field")


@pytest.mark.parametrize("text", ["{ __typename }", "{ __schema { types { fields { name } } } }"])
def test_introspection_takes_no_role(schema: GraphQLSchema, text: str) -> None:
    assert required(schema, text) == {}


def test_recording_and_reading_back_takes_ingest_alone(schema: GraphQLSchema) -> None:
    runs = "runs { id agent { name project { slug } } version { id } error { type } }"
    assert required(schema, f"mutation {{ recordRuns {{ received {runs} }} }}") == {
        "Mutation.recordRuns": Access.INGEST
    }


@pytest.mark.parametrize(
    "selection",
    [
        "parent { id }",
        "error { run { id } }",
        "agent { runs { nodes { id } } }",
        "agent { project { agents { nodes { id } } } }",
        "... on Node { ... on Run { parent { id } } }",
        "... { parent @skip(if: true) { id } }",
        "...Hidden",
        "...Nested",
    ],
)
def test_a_way_on_from_what_was_recorded_takes_read_as_well(schema: GraphQLSchema, selection: str) -> None:
    found = required(schema, f"mutation {{ recordRuns {{ runs {{ {selection} }} }} }} {FRAGMENTS}")
    assert set(found.values()) == {Access.INGEST, Access.READ}


def test_a_union_is_followed_into_each_of_its_types(schema: GraphQLSchema) -> None:
    payload = "... on InvalidInput { message } ... on RegisterAgentPayload { agent { latestVersion { id } } }"
    assert required(schema, f"mutation {{ registerAgent {{ {payload} }} }}") == {
        "Mutation.registerAgent": Access.INGEST,
        "Agent.latestVersion": Access.READ,
    }


def test_only_the_operation_that_runs_is_judged(schema: GraphQLSchema) -> None:
    text = "query A { __typename } mutation B { updateAgent { __typename } }"
    assert required(schema, text, 0) == {}
    assert required(schema, text, 1) == {"Mutation.updateAgent": Access.ADMIN}


def test_many_spreads_of_one_fragment_are_walked_once(schema: GraphQLSchema) -> None:
    chain = " ".join(f"fragment F{i} on Run {{ ...F{i + 1} ...F{i + 1} }}" for i in range(60))
    text = f"{{ runs {{ nodes {{ ...F0 }} }} }} {chain} fragment F60 on Run {{ id }}"
    assert required(schema, text) == {"Query.runs": Access.READ}


def test_a_refusal_names_the_field_and_the_roles_that_reach_it(schema: GraphQLSchema) -> None:
    document = parse("{ runs { totalCount } }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    needs = required_access(schema, document, operation)
    check(Principal(Role.READ), needs)
    with pytest.raises(ForbiddenError, match=r"`Query\.runs` needs .* role READ or ADMIN; this one has INGEST"):
        check(Principal(Role.INGEST), needs)
