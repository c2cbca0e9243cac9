"""The recorder's facts are the API's."""

from graphql import GraphQLInputObjectType, build_schema

from formicary.client.facts import FIELDS, Facts
from formicary.schema import SDL

OF_THE_MESSAGE = {"agent", "project", "version", "externalId", "status", "startedAt", "endedAt"}
NOT_NEEDED = {"durationMs", "timeTaken"}
OF_THE_RECORDER = {"parent", "error_type", "error_message"}


def test_every_field_of_a_run_can_be_stated() -> None:
    run_input = build_schema(SDL).type_map["RunInput"]
    assert isinstance(run_input, GraphQLInputObjectType)
    assert {name for name, _ in FIELDS.values()} == run_input.fields.keys() - OF_THE_MESSAGE - NOT_NEEDED


def test_every_fact_has_a_field() -> None:
    assert FIELDS.keys() - OF_THE_RECORDER == Facts.__annotations__.keys()
