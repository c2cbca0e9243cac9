"""Whatever is sent, the answer is JSON with a code, and never a fault of ours."""

import json

import httpx2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ANYTHING = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TOKENS = (
    *"{}()[]!:=@$|&",
    *("...", "on", "query", "mutation", "subscription", "fragment", "F", "$n", "node", "id", "things", "first"),
    *("nodes", "slow", "echo", "number", "json", "ratio", "of", "record", "items", "name", "null", "true"),
    *("1", "-1", "1.5", "1e400", "9" * 5000, '"a"', '"""b"""', '"\\ud800"', "@include", "if", "__schema", "__typename"),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)
QUERIES = (
    "query ($v: Int) { echo(number: $v) }",
    "query ($v: String!) { echo(text: $v) }",
    "query ($v: Float!) { ratio(of: $v) }",
    "query ($v: JSON) { echo(json: $v) }",
    "query ($v: Int) { things(first: $v) { nodes { id } } }",
    "query ($v: [ID!]!) { nodes(ids: $v) { id } }",
    "mutation ($v: [Item!]!) { record(items: $v) }",
)


def check(response: httpx2.Response) -> None:
    assert response.status_code in {200, 400}
    for error in response.json().get("errors", ()):
        assert error["extensions"]["code"] != "INTERNAL"
        assert len(error["message"]) <= 1000


def send(client: httpx2.Client, body: bytes) -> httpx2.Response:
    return client.post("/graphql", content=body, headers={"content-type": "application/json"})


@ANYTHING
@given(body=st.binary(max_size=200) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_body(client: httpx2.Client, body: bytes) -> None:
    check(send(client, body))


@ANYTHING
@given(tokens=st.lists(st.sampled_from(TOKENS), max_size=40))
def test_any_query(client: httpx2.Client, tokens: list[str]) -> None:
    check(send(client, json.dumps({"query": " ".join(tokens)}).encode()))


@ANYTHING
@given(query=st.sampled_from(QUERIES), value=VALUES)
def test_any_variables(client: httpx2.Client, query: str, value: object) -> None:
    check(send(client, json.dumps({"query": query, "variables": {"v": value}}).encode()))


@ANYTHING
@given(
    accept=st.text(st.sampled_from('aplicton/jsgrqh-e*;,=.0159 \t"q+'), max_size=40),
    content_type=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)
def test_any_headers(client: httpx2.Client, accept: str, content_type: str) -> None:
    headers = {"accept": accept.strip(), "content-type": content_type.strip()}
    response = client.post("/graphql", content=b'{"query": "{ slow }"}', headers=headers)
    assert response.status_code in {200, 406, 415}
