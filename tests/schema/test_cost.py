"""What an operation may cost, judged by the sizes of pages and batches."""

from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, build_schema, get_introspection_query

from formicary.db import Database
from formicary.errors import LimitError
from formicary.ingest.run_input import MAX_BATCH
from formicary.resolvers.model_prices import all_prices
from formicary.schema import schema
from formicary.schema.cost import LARGEST, UNPAGED_LIST_SIZE, Cost
from formicary.schema.limits import Limits

from .conftest import Ask

SCHEMA: GraphQLSchema = build_schema(
    """
    type Mutation { record(input: RecordInput!): RecordPayload, add(things: [ThingInput!]!): RecordPayload }
    input RecordInput { things: [ThingInput!]! }
    input ThingInput { name: String, size: Int }
    type RecordPayload { things: [Thing]! }
    type Query { node: Thing, nodes(ids: [ID!]!): [Thing]!, things(first: Int, last: Int): ThingConnection! }
    type Thing { id: ID!, owner: Thing, tags: [Tag!]!, parts(first: Int, last: Int): ThingConnection! }
    type Tag { name: String! }
    type ThingConnection { edges: [ThingEdge!]!, nodes: [Thing!]!, pageInfo: PageInfo!, totalCount: Int! }
    type ThingEdge { cursor: String!, node: Thing! }
    type PageInfo { hasNextPage: Boolean! }
    """
)


RECORD = """mutation ($input: RecordRunsInput!) { recordRuns(input: $input) {
    received rejected { index problems { path code message } } runs { id %s }
} }"""


def cost_of(query: str, schema: GraphQLSchema = SCHEMA) -> Cost:
    document = Limits(depth=50).parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return Cost(schema, document, operation)


def cost(query: str, **variables: Any) -> int:
    return cost_of(query).of(variables)


def test_introspection_passes_every_default() -> None:
    Limits().parse(get_introspection_query())
    cost_of(get_introspection_query()).hold(Limits().cost, {})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ __typename }", 0),
        ("{ node { id } }", 1),
        ("{ node { owner { id } } }", 2),
        ("{ things(first: 7) { nodes { id } } }", 1 + 7),
        ("{ things(last: 7) { nodes { id } } }", 1 + 7),
        ("{ things { nodes { id } } }", 1 + 50),
        ("{ things(first: null) { nodes { id } } }", 1 + 50),
        ("{ things(first: 7) { totalCount pageInfo { hasNextPage } } }", 1 + 1),
        ("{ things(first: 7) { edges { cursor node { id } } } }", 1 + 7 + 7),
        ("{ things(first: 7) { nodes { parts(first: 3) { nodes { id } } } } }", 1 + 7 * (1 + 1 + 3)),
        ("{ things(first: 7) { nodes { owner { id } } } }", 1 + 7 * 2),
        ("{ a: things(first: 7) { nodes { id } } b: things(first: 2) { nodes { id } } }", 1 + 7 + 1 + 2),
        ("{ nodes(ids: [1, 2, 3]) { id } }", 3),
        ("{ node { tags { name } } }", 1 + UNPAGED_LIST_SIZE),
        ("{ things(first: -5) { nodes { id } } }", 1),
        ("{ things(first: 7) { ...F } } fragment F on ThingConnection { nodes { id } }", 1 + 7),
        ("{ things(first: 7) { ... on ThingConnection { nodes { ...F } } } } fragment F on Thing { id }", 1 + 7),
    ],
)
def test_the_cost_is_the_objects_that_an_answer_can_hold(query: str, expected: int) -> None:
    assert cost(query) == expected


@pytest.mark.parametrize(
    ("variables", "size"),
    [({"n": 7}, 7), ({}, 4), ({"n": None}, 4), ({"n": -1}, 0), ({"n": "7"}, 50), ({"n": 10**18}, LARGEST)],
)
def test_page_sizes_in_variables_count(variables: dict[str, Any], size: int) -> None:
    query = "query ($n: Int = 4) { things(first: $n) { nodes { id } } }"
    assert cost(query, **variables) == 1 + size


def test_ids_in_variables_count() -> None:
    assert cost("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["a"] * 12) == 12


THINGS = "things { tags { name } }"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("mutation ($i: RecordInput!) { record(input: $i) { THINGS } }", {"i": {"things": [{}] * 12}}),
        ("mutation ($t: [ThingInput!]!) { record(input: {things: $t}) { THINGS } }", {"t": [{}] * 12}),
        ("mutation ($t: [ThingInput!]!) { add(things: $t) { THINGS } }", {"t": [{}] * 12}),
        (f"mutation {{ record(input: {{things: [{'{size: 99}' * 12}]}}) {{ THINGS }} }}", {}),
        (f"mutation ($i: RecordInput! = {{things: [{'{}' * 12}]}}) {{ record(input: $i) {{ THINGS }} }}", {}),
    ],
)
def test_what_answers_a_batch_counts_for_each_that_was_sent(query: str, variables: dict[str, Any]) -> None:
    assert cost(query.replace("THINGS", THINGS), **variables) == 1 + 12 * (1 + UNPAGED_LIST_SIZE)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{ metrics { runs range { from } latency { p50Ms } tokens { total } cost { total } } }", 1),
        ("{ metrics { latency { histogram { count } } } }", 1 + 24),
        ("{ metrics { latency { histogram(buckets: 7) { count } } } }", 1 + 7),
        ("{ breakdown(by: MODEL) { key } }", 20),
        ("{ breakdown(by: AGENT, first: 7) { agent { name } metrics { runs } } }", 7 * 3),
        ("{ history { from metrics { runs previous { runs } } } }", 25 * 3),
    ],
)
def test_figures_cost_little_by_themselves(query: str, expected: int) -> None:
    assert cost_of(query, schema._schema).of({}) == expected


RANGE = '{from: "2026-11-01T00:00:00Z", to: "2026-11-03T00:00:00Z"}'


@pytest.mark.parametrize(
    ("arguments", "variables", "points"),
    [
        (f"range: {RANGE}", {}, 48),
        (f"range: {RANGE}, bucket: DAY", {}, 2),
        ("range: $r", {"r": {"from": "2026-11-01T00:00:00Z", "to": "2026-11-01T05:30:00Z"}}, 6),
        ("range: $r", {"r": {"from": "2026-11-01T05:30:00Z", "to": "2026-11-01T00:00:00Z"}}, 25),
        ('range: {from: $f, to: "2026-11-01T05:00:00Z"}', {"f": "2026-11-01T00:00:00Z"}, 5),
        (f"range: {RANGE}, bucket: $b", {"b": "DAY"}, 2),
        (f"range: {RANGE}, bucket: $b", {}, 2 * 24 * 60),
        (f"filter: {{range: {RANGE}}}", {}, 48),
        (f'filter: {{range: {RANGE}}}, range: {{from: "2026-11-02T12:00:00Z", to: "2026-11-07T00:00:00Z"}}', {}, 12),
        ("range: $r", {"r": {"last": "100d"}}, 2401),
        ("range: $r", {"r": {"last": "400d"}}, 9601),
        ('range: {last: "400d"}, bucket: MINUTE', {}, 10_000),
        ("range: $r", {"r": "nothing that is known"}, 25),
        ("bucket: $b", {"b": 7}, 25),
    ],
)
def test_a_history_counts_its_points(arguments: str, variables: dict[str, Any], points: int) -> None:
    query = f"query ($r: TimeRange, $f: DateTime, $b: Bucket! = MINUTE) {{ history({arguments}) {{ from }} }}"
    assert cost_of(query, schema._schema).of(variables) == points


def test_the_histories_of_a_page_of_agents_pass_the_limit() -> None:
    figures = "runs latency { p95Ms } cost { total } range { from to }"
    query = "{ agents(first: %d) { nodes { metrics { F } history(bucket: HOUR) { metrics { F } } } } }".replace(
        "F", figures
    )
    assert cost_of(query % 50, schema._schema).of({}) == 1 + 50 * (1 + 1 + 25 * 2)
    cost_of(query % 200, schema._schema).hold(Limits().cost, {})


async def test_a_batch_is_held_against_the_limit_before_it_is_recorded(answer: Ask, db: Database) -> None:
    runs = [{"agent": "planner"}] * 400
    result = await answer(RECORD % "agent { runs(first: 200) { nodes { id } } }", input={"runs": runs})
    assert result.codes == {"LIMIT_EXCEEDED"}
    assert await db.fetchval("SELECT count(*) FROM run") == 0


def test_the_largest_batch_passes_the_limit_and_learns_what_became_of_each_run() -> None:
    batch = {"input": {"runs": [{}] * MAX_BATCH}}
    cost_of(RECORD % "agent { id }", schema._schema).hold(Limits().cost, batch)


async def test_all_model_prices_count(db: Database) -> None:
    assert cost_of("{ modelPrices { model } }", schema._schema).of({}) >= len(await all_prices(db))


def test_a_huge_page_in_many_levels_is_refused_in_words() -> None:
    query = f"query ($n: Int) {{ things {{ nodes {{ {'parts(first: $n) { nodes { ' * 14} id {'} } ' * 15} }}"
    with pytest.raises(LimitError):
        cost_of(query).hold(5000, {"n": 10**320})


def test_fragments_that_double_each_other_are_counted_in_no_time() -> None:
    query = "{ node { ...F0 } }"
    for n in range(12):
        query += f"fragment F{n} on Thing {{ owner {{ ...F{n + 1} }} parts {{ nodes {{ ...F{n + 1} }} }} }}"
    assert cost(query + "fragment F12 on Thing { id }") > 50**11


def test_what_costs_too_much_is_told_what_to_do() -> None:
    query = "{ things(first: 100) { nodes { parts(first: 100) { nodes { id } } } } }"
    with pytest.raises(LimitError) as caught:
        cost_of(query).hold(5000, {})
    assert caught.value.message == (
        "The query has up to 10201 objects in its answer; the limit `cost` is 5000. "
        "Ask for smaller pages (`first`, `last`), or send smaller batches."
    )
