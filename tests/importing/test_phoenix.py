"""Spans that Phoenix exported become runs, whether of its data frame or its REST API."""

from datetime import UTC, datetime
from typing import Any

import pytest

from formicary.errors import BadInputError
from formicary.importing import phoenix
from formicary.importing.spans import Traces
from formicary.ingest.run_input import RunInput

TRACE = "0af7651916cd43dd8448eb211c80319c"


def row(span_id: str, kind: str, second: int, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    """As `get_spans_dataframe().to_json(orient="records")` has it."""
    return {
        "name": f"span {span_id}",
        "span_kind": kind,
        "parent_id": parent,
        "start_time": f"2026-03-02T10:00:0{second}+00:00",
        "end_time": f"2026-03-02T10:00:0{second + 1}+00:00",
        "status_code": "OK",
        "status_message": "",
        "events": [],
        "context.span_id": span_id,
        "context.trace_id": TRACE,
        **fields,
    }


FRAME: list[dict[str, Any]] = [
    row(
        "00000000000000a1",
        "AGENT",
        0,
        **{"attributes.agent.name": "planner", "attributes.session.id": "s-1", "attributes.user.id": "u-1"},
    ),
    row(
        "00000000000000a2",
        "LLM",
        1,
        "00000000000000a1",
        **{
            "attributes.llm.model_name": "gpt-5",
            "attributes.llm.provider": "openai",
            "attributes.llm.token_count.prompt": 100.0,
            "attributes.llm.token_count.completion": 20.0,
            "attributes.llm.token_count.prompt_details.cache_read": None,
            "attributes.llm.input_messages": [{"message.content": "a prompt"}],
        },
    ),
    row("00000000000000a3", "TOOL", 2, "00000000000000a1", **{"attributes.tool.name": "search"}),
]
API: list[dict[str, Any]] = [
    {
        "id": "U3Bhbjox",
        "name": "answer",
        "span_kind": "CHAIN",
        "context": {"trace_id": TRACE, "span_id": "00000000000000b1"},
        "parent_id": None,
        "start_time": "2026-03-02T10:00:00+00:00",
        "end_time": "2026-03-02T10:00:01+00:00",
        "status_code": "ERROR",
        "status_message": "",
        "attributes": {"openinference": {"span": {"kind": "CHAIN"}}, "session.id": "s-1"},
        "events": [
            {"name": "exception", "attributes": {"exception.type": "KeyError", "exception.message": "no such key"}}
        ],
    },
    {
        "name": "llm",
        "span_kind": "LLM",
        "context": {"trace_id": TRACE, "span_id": "00000000000000b2"},
        "parent_id": "00000000000000b1",
        "start_time": "2026-03-02T10:00:00+00:00",
        "end_time": "2026-03-02T10:00:01+00:00",
        "status_code": "OK",
        "attributes": {"llm": {"model_name": "gpt-5", "token_count": {"prompt": 7, "completion": 3}}},
    },
]


def runs_of(rows: list[dict[str, Any]]) -> list[RunInput]:
    traces = Traces()
    for values in rows:
        phoenix.add(values, traces)
    return list(traces.runs("default"))


def test_rows_of_a_data_frame_become_runs() -> None:
    (run,) = runs_of(FRAME)
    assert (run.agent, run.status, run.external_id) == ("planner", "SUCCEEDED", f"{TRACE}-00000000000000a1")
    assert run.started_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (run.model, run.provider, run.tools) == ("gpt-5", "openai", ["search"])
    assert (run.input_tokens, run.output_tokens, run.cached_input_tokens) == (100, 20, None)
    assert (run.session_id, run.user_id) == ("s-1", "u-1")


def test_cells_of_a_csv_become_the_same_runs() -> None:
    cells = [{name: str(value) for name, value in values.items() if value not in (None, "", [])} for values in FRAME]
    assert runs_of(cells) == runs_of(FRAME)


def test_objects_of_the_rest_api_become_runs() -> None:
    (run,) = runs_of(API)
    assert (run.agent, run.status, run.error_type, run.error_message) == ("answer", "FAILED", "KeyError", "no such key")
    assert (run.model, run.input_tokens, run.output_tokens, run.session_id) == ("gpt-5", 7, 3, "s-1")


def test_events_as_text_are_read_if_they_are_json() -> None:
    (run,) = runs_of([{**API[0], "events": '[{"name":"exception","attributes":{"exception.message":"no"}}]'}])
    assert run.error_message == "no"
    (run,) = runs_of([{**API[0], "events": "array([])", "status_message": "broken"}])
    assert run.error_message == "broken"


@pytest.mark.parametrize("field", ["context.trace_id", "context.span_id", "start_time"])
def test_a_span_that_lacks_what_it_needs_names_the_field(field: str) -> None:
    with pytest.raises(BadInputError, match=field):
        runs_of([FRAME[0] | {field: None}])


@pytest.mark.parametrize("attributes", [-1, "text", [1], None])
def test_an_exception_without_attributes_tells_nothing(attributes: object) -> None:
    events = [{"name": "exception", "attributes": attributes}]
    (run,) = runs_of([row("a1", "AGENT", 0, status_code="ERROR", status_message="broken", events=events)])
    assert (run.error_type, run.error_message) == (None, "broken")


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_an_instant_beyond_the_years_is_none(instant: str) -> None:
    with pytest.raises(BadInputError, match=r"start_time: .+ is not an instant"):
        phoenix.add(row("a1", "AGENT", 0, start_time=instant), Traces())


def test_instants_are_exact_to_the_microsecond() -> None:
    times = {"start_time": "9999-12-31T23:59:58.000001Z", "end_time": "9999-12-31T23:59:59.999999Z"}
    (run,) = runs_of([row("a1", "AGENT", 0, **times)])
    assert run.ended_at == datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
