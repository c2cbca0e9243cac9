"""GraphQL over HTTP, as a client sees it."""

import gzip
import json
import logging
from typing import Any

import httpx2
import pytest

GRAPHQL = {"accept": "application/graphql-response+json"}


def post(client: httpx2.Client, query: str, **headers: str) -> httpx2.Response:
    return client.post("/graphql", json={"query": query}, headers=headers)


def post_raw(client: httpx2.Client, body: bytes, **headers: str) -> httpx2.Response:
    return client.post("/graphql", content=body, headers={"content-type": "application/json", **headers})


def code(response: httpx2.Response) -> Any:
    (error,) = response.json()["errors"]
    return error["extensions"]["code"]


def test_a_query_is_answered(client: httpx2.Client) -> None:
    response = post(client, '{ node(id: "a") { id } slow }')
    assert response.status_code == 200
    assert response.json() == {"data": {"node": {"id": "a"}, "slow": "done"}}
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_variables_reach_the_operation_that_is_named(client: httpx2.Client) -> None:
    body = {
        "query": "query A { slow } mutation B($items: [Item!]!) { record(items: $items) }",
        "operationName": "B",
        "variables": {"items": [{"name": "x"}, {"name": "y"}]},
    }
    assert client.post("/graphql", json=body).json() == {"data": {"record": 2}}
