"""The committed SDL is the code's, and keeps what the contract says."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    Undefined,
    build_schema,
)

from formicary.schema import SDL

OURS = build_schema(SDL)
CONTRACT = build_schema((Path(__file__).parents[1] / "data" / "contract.graphql").read_text())

LATER: dict[str, set[str]] = {
    "Agent": {"alerts"},
    "Query": {"alerts", "compare", "alertRules", "insights", "providerWeights"},
    "Mutation": {"saveAlertRule", "acknowledgeAlert"},
}
"""What the contract has and the API does not have yet."""

TYPES = [
    type_ for name, type_ in OURS.type_map.items() if not name.startswith("__") and name not in {"Int", "Float", "ID"}
]


def test_the_committed_sdl_is_the_codes() -> None:
    assert files("formicary.schema").joinpath("schema.graphql").read_text() == SDL


@pytest.mark.parametrize("type_", [type_ for type_ in TYPES if type_.name in CONTRACT.type_map], ids=str)
def test_a_type_is_as_the_contract_says(type_: GraphQLNamedType) -> None:
    contract = CONTRACT.type_map[type_.name]
    assert type(contract) is type(type_)
    ours, theirs = _members(type_), _members(contract)
    assert {name: ours.get(name) for name in theirs if name not in LATER.get(type_.name, set())} == {
        name: member for name, member in theirs.items() if name not in LATER.get(type_.name, set())
    }


@pytest.mark.parametrize("type_", TYPES, ids=str)
def test_everything_of_a_type_is_described(type_: GraphQLNamedType) -> None:
    assert type_.name in {"String", "Boolean"} or type_.description
    for name, member in [*getattr(type_, "fields", {}).items(), *getattr(type_, "values", {}).items()]:
        assert member.description, f"{type_.name}.{name}"
        for argument, definition in getattr(member, "args", {}).items():
            assert definition.description, f"{type_.name}.{name}({argument}:)"


def test_what_comes_later_is_not_there_yet() -> None:
    for name, members in LATER.items():
        assert not members & _members(OURS.type_map[name]).keys()


def _members(type_: GraphQLNamedType) -> dict[str, Any]:
    """What a client can rely on of a type, by name."""
    match type_:
        case GraphQLObjectType() | GraphQLInterfaceType():
            return {
                name: (str(field.type), {argument: _input(value) for argument, value in field.args.items()})
                for name, field in type_.fields.items()
            }
        case GraphQLInputObjectType():
            return {name: _input(field) for name, field in type_.fields.items()}
        case GraphQLEnumType():
            return dict.fromkeys(type_.values)
        case GraphQLUnionType():
            return {member.name: None for member in type_.types}
        case GraphQLScalarType():
            return {}
        case _:
            raise AssertionError(type_)


def _input(value: Any) -> tuple[str, object]:
    return str(value.type), None if value.default_value is Undefined else value.default_value
