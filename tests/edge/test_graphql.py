"""GraphQL over HTTP, as a client sees it."""

import gzip
import json
from typing import Any

import httpx2
import pytest

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"


def post(client: httpx2.Client, query: str, accept: str = GRAPHQL, **body: Any) -> httpx2.Response:
    return client.post("/graphql", json={"query": query, **body}, headers={"accept": accept})


def post_raw(client: httpx2.Client, body: bytes, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/graphql", content=body, headers={"content-type": JSON, **named})


def only_error(response: httpx2.Response) -> Any:
    assert "data" not in response.json()
    (error,) = response.json()["errors"]
    return error


def code(response: httpx2.Response) -> Any:
    return only_error(response)["extensions"]["code"]


def test_a_query_is_answered(client: httpx2.Client) -> None:
    response = post(client, '{ node(id: "a") { id } slow }', JSON)
    assert response.status_code == 200
    assert response.json() == {"data": {"node": {"id": "a"}, "slow": "done"}}
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_variables_reach_the_operation_that_is_named(client: httpx2.Client) -> None:
    query = "query A { slow } mutation B($items: [Item!]!) { record(items: $items) }"
    response = post(client, query, operationName="B", variables={"items": [{"name": "x"}, {"name": "y"}]})
    assert response.json() == {"data": {"record": 2}}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ unknown }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($x: Int!) { echo(number: $x) }", "BAD_USER_INPUT"),
        ("subscription { ticks }", "BAD_USER_INPUT"),
        ("query A { slow } query B { slow }", "OPERATION_RESOLUTION_FAILURE"),
        ("fragment F on Query { slow }", "GRAPHQL_VALIDATION_FAILED"),
        ("{" + " slow" * 20_001 + "}", "LIMIT_EXCEEDED"),
        ("{" * 5000 + "}" * 5000, "GRAPHQL_PARSE_FAILED"),
        ("{" + "a" * 300_000 + "}", "LIMIT_EXCEEDED"),
    ],
)
def test_a_request_error_has_a_code_and_no_data(client: httpx2.Client, query: str, expected: str) -> None:
    response = post(client, query)
    assert (response.status_code, code(response)) == (400, expected)
    assert post(client, query, JSON).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"1",
        b'"{ slow }"',
        b"{}",
        b'{"query": null}',
        b'{"query": 1}',
        b'{"query": ["{ slow }"]}',
        b'{"query": " "}',
        b'{"query": "{ slow }", "variables": []}',
        b'{"query": "{ slow }", "variables": "{}"}',
        b'{"query": "{ slow }", "extensions": []}',
        b'{"query": "{ slow }", "operationName": 1}',
        b'{"query": "{ slow }", "variables": {"a": NaN}}',
        b'{"query": "{ slow }", "variables": {"a": Infinity}}',
        b'{"query": "{ slow }", "x": ' + b"[" * 100_000,
        b'{"query": "{ slow }", "variables": ' + b'{"a":' * 100_000,
        b'{"query": "\xff"}',
        b'{"query": "{ slow }", "other": "\xff"}',
        b'{"query": "\\ud800"}',
        b'{"query": "{ slow }", "variables": {"a": "\\ud800"}}',
        b'{"query": "{ slow }"',
        b'\xef\xbb\xbf{"query": "{ slow }"}',
    ],
)
def test_a_body_that_is_no_request_is_refused(client: httpx2.Client, body: bytes) -> None:
    response = post_raw(client, body)
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "variables",
    [
        '{"n": ' + "9" * 5000 + "}",
        '{"n": 1e999}',
        '{"n": 99999999999}',
        '{"n": 1.5}',
        '{"n": "1"}',
        '{"n": true}',
        '{"n": [1]}',
        '{"n": ' + "[" * 500 + "]" * 500 + "}",
    ],
)
def test_variables_that_do_not_fit_are_bad_input(client: httpx2.Client, variables: str) -> None:
    body = '{"query": "query($n: Int) { echo(number: $n) }", "variables": ' + variables + "}"
    response = post_raw(client, body.encode(), accept=GRAPHQL)
    assert (response.status_code, code(response)) == (400, "BAD_USER_INPUT")


@pytest.mark.parametrize("query", ["{ echo(number: N) }", "{ ratio(of: N) }", "{ echo(json: {a: [N]}) }"])
@pytest.mark.parametrize("number", ["9" * 5000, "-1e999"])
def test_a_literal_beyond_all_numbers_is_not_valid(client: httpx2.Client, query: str, number: str) -> None:
    errors = post(client, query.replace("N", number)).json()["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}
    assert sum(len(error["message"]) for error in errors) < 2500


def test_a_variable_error_names_the_place_and_is_not_long(client: httpx2.Client) -> None:
    items = [{"name": "a"}, {"name": "b", "count": "x" * 5000}]
    response = post(client, "mutation($items: [Item!]!) { record(items: $items) }", variables={"items": items})
    message = only_error(response)["message"]
    assert message.startswith("Variable '$items' has an invalid value at items[1].count: ")
    assert len(message) <= 1000


def test_variable_errors_are_bounded_in_number(client: httpx2.Client) -> None:
    query = "mutation($items: [Item!]!) { record(items: $items) }"
    errors = post(client, query, variables={"items": [{}] * 5000}).json()["errors"]
    assert len(errors) == 21
    assert {error["extensions"]["code"] for error in errors} == {"BAD_USER_INPUT"}


def test_a_batch_is_refused_with_its_reason(client: httpx2.Client) -> None:
    response = post_raw(client, b'[{"query": "{ slow }"}]')
    assert (response.status_code, code(response)) == (400, "BAD_REQUEST")
    assert "Batches" in only_error(response)["message"]


def test_get_answers_a_query(client: httpx2.Client) -> None:
    params = {"query": "query($id: ID!) { node(id: $id) { id } }", "variables": '{"id": "ä"}'}
    response = client.get("/graphql", params=params, headers={"accept": "*/*"})
    assert response.json() == {"data": {"node": {"id": "ä"}}}


def test_get_does_not_change_anything(client: httpx2.Client) -> None:
    response = client.get("/graphql", params={"query": "mutation { record(items: []) }"})
    assert (response.status_code, code(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "query=%ff",
        "query={slow}&variables=[]",
        "query={slow}&variables={",
        "query={slow}&extensions=1",
        "&".join(f"a{n}=1" for n in range(100)),
    ],
)
def test_a_get_that_is_no_request_is_refused(client: httpx2.Client, query_string: str) -> None:
    response = client.get(f"/graphql?{query_string}", headers={"accept": GRAPHQL})
    assert response.status_code == 400
    assert code(response) in {"BAD_REQUEST", "BAD_USER_INPUT"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_other_methods_are_refused(client: httpx2.Client, method: str) -> None:
    response = client.request(method, "/graphql")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=utf-16",
        "",
    ],
)
def test_a_body_of_another_type_is_refused(client: httpx2.Client, content_type: str) -> None:
    response = post_raw(client, b'{"query": "{ slow }"}', content_type=content_type)
    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"'])
def test_the_charset_may_be_named(client: httpx2.Client, content_type: str) -> None:
    response = post_raw(client, '{"query": "{ echo(text: \\"ü\\") }"}'.encode(), content_type=content_type)
    assert response.json() == {"data": {"echo": "ü"}}


@pytest.mark.parametrize(
    ("accept", "answered_as"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (GRAPHQL, GRAPHQL),
        (f"{GRAPHQL}, application/json;q=0.9", GRAPHQL),
        (f"{GRAPHQL};q=0.5, application/json", JSON),
        (f"application/json;q=0, {GRAPHQL};q=0.1", GRAPHQL),
        ("application/json;q=0, */*", GRAPHQL),
        ("text/event-stream, application/json", JSON),
        ("APPLICATION/JSON; charset=UTF-8", JSON),
        ("image/png;q=x,,;;, */*;q=0.1", JSON),
    ],
)
def test_the_answer_is_what_the_client_accepts(client: httpx2.Client, accept: str | None, answered_as: str) -> None:
    request = client.build_request("POST", "/graphql", json={"query": "{ slow }"})
    del request.headers["accept"]
    if accept is not None:
        request.headers["accept"] = accept
    response = client.send(request)
    assert response.json() == {"data": {"slow": "done"}}
    assert response.headers["content-type"] == f"{answered_as}; charset=utf-8"


@pytest.mark.parametrize("accept", ["text/plain", "application/json;q=0", "application/json; charset=latin-1"])
def test_what_no_client_accepts_is_406(client: httpx2.Client, accept: str) -> None:
    response = post(client, "{ slow }", accept)
    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")


def test_what_is_too_large_is_named_by_the_limit(client: httpx2.Client) -> None:
    response = post(client, "{" + " ".join(f"a{n}: slow" for n in range(201)) + "}")
    error = only_error(response)
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert error["message"] == "The query has 201 aliases; the limit `aliases` is 200."


def test_two_million_aliases_are_refused(client: httpx2.Client) -> None:
    body = json.dumps({"query": "{" + " a:slow" * 2_000_000 + "}"}).encode()
    response = post_raw(client, gzip.compress(body), content_encoding="gzip")
    assert response.status_code == 413
    assert code(response) == "PAYLOAD_TOO_LARGE"


def test_an_error_of_a_field_has_its_place_and_code(client: httpx2.Client) -> None:
    response = post(client, "{ missing }")
    assert response.status_code == 200
    assert response.json() == {
        "data": {"missing": None},
        "errors": [
            {
                "message": "There is no agent 'x'.",
                "locations": [{"line": 1, "column": 3}],
                "path": ["missing"],
                "extensions": {"code": "NOT_FOUND"},
            }
        ],
    }


def test_invalid_input_lists_its_problems(client: httpx2.Client) -> None:
    (error,) = post(client, "{ invalid }").json()["errors"]
    problem = {"path": "input.name", "code": "TOO_LONG", "message": "is too long"}
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "problems": [problem]}


@pytest.mark.parametrize("field", ["failing", "nothing", "badNumber"])
def test_an_unexpected_error_is_masked_and_its_cause_is_in_the_log(
    client: httpx2.Client, caplog: pytest.LogCaptureFixture, field: str
) -> None:
    (error,) = post(client, f"{{ {field} }}").json()["errors"]
    error_id = error["extensions"]["id"]
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["message"] == f"Something went wrong on our side. Quote error {error_id}."
    (record,) = caplog.records
    assert error_id in record.getMessage()
    assert record.exc_info


def test_nothing_but_the_database_being_away_is_503(client: httpx2.Client) -> None:
    response = post(client, "{ away again: away }")
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert {error["extensions"]["code"] for error in response.json()["errors"]} == {"UNAVAILABLE"}
    assert "data" not in response.json()


def test_what_could_be_read_is_answered_when_the_rest_was_not_available(client: httpx2.Client) -> None:
    response = post(client, "{ away slow }")
    assert response.status_code == 200
    assert response.json()["data"] == {"away": None, "slow": "done"}


@pytest.mark.parametrize(
    ("key", "status", "expected", "header"),
    [
        ("wrong", 401, "UNAUTHENTICATED", "www-authenticate"),
        ("unlucky", 503, "UNAVAILABLE", "retry-after"),
        ("broken", 500, "INTERNAL", "content-type"),
    ],
)
def test_who_cannot_be_authenticated_is_told_before_anything_runs(
    client: httpx2.Client, key: str, status: int, expected: str, header: str
) -> None:
    response = post_raw(client, b"no request", authorization=f"Bearer {key}")
    assert (response.status_code, code(response)) == (status, expected)
    assert header in response.headers
