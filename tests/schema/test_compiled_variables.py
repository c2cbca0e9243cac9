"""The fast way in gives the values and the errors of the ordinary way, whatever comes."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formicary.auth import Principal
from formicary.ingest.recorder import Recorded
from formicary.ingest.run_input import RunInput
from formicary.schema import operation as operation_module
from formicary.schema import schema
from formicary.schema.operation import GraphQLRequest, GraphQLResult, Operations

WHOLE = "mutation ($input: RecordRunsInput!) { recordRuns(input: $input) { received } }"
LIST = "mutation ($runs: [RunInput!]!) { recordRuns(input: {runs: $runs}) { received } }"
NAMED = """mutation M($from: RecordRunsInput!, $yes: Boolean = true) {
    recordRuns(input: $from) { received @include(if: $yes) }
}"""


class Keeping:
    """A context whose recorder keeps what it is given: what reaches the resolver is what is compared."""

    principal = Principal.open()
    scope = None

    def __init__(self) -> None:
        self.recorder = self
        self.runs: list[RunInput] = []

    async def record(self, runs: list[RunInput], scope: object) -> Recorded:
        self.runs = runs
        return Recorded(len(runs), 0, 0, 0, [], [])


async def answer(query: str, variables: bytes, *, compiled: bool) -> tuple[GraphQLResult, list[RunInput]]:
    operations, context = Operations(schema), Keeping()
    request = GraphQLRequest(query, variables)
    prepared = operations._operation(request)
    assert prepared.compiled is not None
    if not compiled:
        prepared.compiled = None
    return await operations.execute(request, context), context.runs  # type: ignore[arg-type]


async def both(query: str, variables: bytes) -> tuple[GraphQLResult, list[RunInput]]:
    """The answer, after holding the two ways together."""
    fast, slow = await answer(query, variables, compiled=True), await answer(query, variables, compiled=False)
    assert fast == slow
    return fast


RUN: dict[str, Any] = {
    "agent": "planner",
    "externalId": "1",
    "status": "FAILED",
    "startedAt": "2026-01-01T12:00:00.123456+02:00",
    "timeTaken": "5m30s",
    "cost": "0.0012500",
    "inputTokens": 5,
    "durationMs": 7,
    "models": ["a"],
    "parent": {"agent": "boss", "externalId": "0"},
    "metadata": {"a": [1, None, {"b": 2.5}]},
}


@pytest.mark.parametrize("query", [WHOLE, NAMED])
async def test_a_batch_reaches_the_recorder_the_same_either_way(query: str) -> None:
    name = "input" if query == WHOLE else "from"
    result, runs = await both(query, msgspec.json.encode({name: {"runs": [RUN, {"agent": "b"}]}}))
    assert result.data == {"recordRuns": {"received": 2}}
    assert (runs[0].status, runs[0].time_taken, str(runs[0].cost)) == ("FAILED", 330_000, "0.0012500")


async def test_a_list_of_runs_as_the_variable_is_taken_too() -> None:
    result, runs = await both(LIST, msgspec.json.encode({"runs": [RUN]}))
    assert result.data == {"recordRuns": {"received": 1}}
    assert runs[0].parent is not None


async def test_the_fast_way_is_the_one_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(text: bytes | None) -> dict[str, Any]:
        raise AssertionError("the ordinary way was taken")

    monkeypatch.setattr(operation_module, "decode_variables", fail)
    result, _ = await answer(WHOLE, msgspec.json.encode({"input": {"runs": [RUN]}}), compiled=True)
    assert result.errors == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("status", "DONE", "Value 'DONE' does not exist in 'RunStatus' enum."),
        ("inputTokens", "5", "input.runs[0].inputTokens"),
        ("inputTokens", 2**53, "2^53 - 1"),
        ("startedAt", "yesterday", "RFC 3339"),
        ("startedAt", "2026-01-01T00:00:00", "offset"),
        ("timeTaken", "5 parsecs", "not a duration"),
        ("cost", "1e", "not a decimal"),
        ("messages", None, "input.runs[0].messages"),
        ("models", [None], "input.runs[0].models[0]"),
        ("colour", "red", "colour"),
    ],
)
async def test_what_the_types_refuse_refuses_the_request_and_names_the_place(
    field: str, value: object, said: str
) -> None:
    result, runs = await both(WHOLE, msgspec.json.encode({"input": {"runs": [{**RUN, field: value}]}}))
    assert result.is_request_error
    assert runs == []
    assert said in result.errors[0]["message"]
    assert result.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    "variables",
    [
        b"",
        b"{}",
        b"null",
        b"[]",
        b'{"input": null}',
        b'{"input": {"runs": {"agent": "one"}}}',
        b'{"input": {"runs": [null]}}',
    ],
)
async def test_odd_variables_are_answered_the_same_either_way(variables: bytes) -> None:
    await both(WHOLE, variables)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["5m", "PT5S", "1.50", "2026-01-01T00:00:00Z", "2026-01-01 00:00:00Z", "RUNNING", "-5", "1e3", ""]),
    st.lists(st.one_of(st.text(max_size=3), st.integers()), max_size=2),
)
FIELDS = st.sampled_from([field.encode_name for field in msgspec.structs.fields(RunInput)] + ["nonsense"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.dictionaries(FIELDS, SCALARS, max_size=5), max_size=2))
async def test_any_run_is_read_or_refused_the_same_either_way(runs: list[dict[str, Any]]) -> None:
    await both(WHOLE, msgspec.json.encode({"input": {"runs": [{"agent": "a", **run} for run in runs]}}))
