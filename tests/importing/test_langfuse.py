"""Observations that Langfuse exported become runs: its agents, or traces that have none."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from formicary.errors import BadInputError
from formicary.importing import langfuse
from formicary.importing.spans import Traces
from formicary.ingest.run_input import RunInput

TRACE = "0af7651916cd43dd8448eb211c80319c"


def observation(id_: str, type_: str, second: int, **fields: Any) -> dict[str, Any]:
    """As in `observations_v2`."""
    return {
        "id": id_,
        "trace_id": TRACE,
        "project_id": "p",
        "type": type_,
        "name": id_,
        "start_time": f"2026-03-02 10:00:0{second}.000000",
        "end_time": f"2026-03-02 10:00:0{second + 1}.500000",
        "level": "DEFAULT",
        "status_message": None,
        "version": None,
        "trace_name": "checkout",
        "user_id": "u-1",
        "session_id": "s-1",
        "release": "1.4.0",
        "usage_details": {},
        "cost_details": {},
        **fields,
    }


def generation(id_: str, second: int, **fields: Any) -> dict[str, Any]:
    usage = {"input": 80, "input_cached_tokens": 20, "output": 10, "total": 110}
    used = {"provided_model_name": "gpt-5", "usage_details": usage, "cost_details": {"input": 0.001, "total": 0.0015}}
    return observation(id_, "GENERATION", second, **used, **fields)


PLAIN = [
    observation("root", "SPAN", 0, parent_observation_id=None),
    generation("first", 1, parent_observation_id="root", time_to_first_token=0.25),
    observation("search", "TOOL", 2, parent_observation_id="root"),
    generation("second", 3, parent_observation_id="root"),
]
AGENTS = [
    observation("planner", "AGENT", 0, parent_observation_id=None),
    generation("plan", 1, parent_observation_id="planner"),
    observation("reader", "AGENT", 2, parent_observation_id="planner", level="ERROR", status_message="no page"),
    generation("read", 3, parent_observation_id="reader"),
]


def runs_of(observations: Iterable[dict[str, Any]]) -> list[RunInput]:
    traces = Traces()
    for values in observations:
        langfuse.add(values, traces)
    return list(traces.runs("shop"))


def test_a_trace_without_agents_is_a_run_with_all_that_was_used_in_it() -> None:
    (run,) = runs_of(PLAIN)
    assert (run.agent, run.project, run.version, run.status) == ("checkout", "shop", "1.4.0", "SUCCEEDED")
    assert run.started_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert run.ended_at == datetime(2026, 3, 2, 10, 0, 4, 500_000, tzinfo=UTC)
    assert (run.input_tokens, run.cached_input_tokens, run.output_tokens) == (200, 40, 20)
    assert (run.model, run.tools, run.cost) == ("gpt-5", ["search"], Decimal("0.003"))
    assert (run.session_id, run.user_id, run.trace_id) == ("s-1", "u-1", TRACE)
    assert run.time_to_first_token_ms == 250


def test_agents_are_runs_and_know_the_one_that_called_them() -> None:
    planner, reader = runs_of(AGENTS)
    assert (planner.agent, planner.input_tokens, planner.status) == ("planner", 100, "SUCCEEDED")
    assert (reader.agent, reader.input_tokens, reader.status) == ("reader", 100, "FAILED")
    assert (reader.error_message, reader.session_id) == ("no page", "s-1")
    assert reader.parent is not None
    assert reader.parent.external_id == planner.external_id


@pytest.mark.parametrize("observations", [PLAIN, AGENTS])
def test_the_order_of_the_observations_makes_no_difference(observations: list[dict[str, Any]]) -> None:
    assert runs_of(reversed(observations)) == runs_of(observations)


def test_an_error_of_the_first_observation_is_that_of_the_trace() -> None:
    (run,) = runs_of([{**PLAIN[0], "level": "ERROR", "status_message": "out of stock"}, *PLAIN[1:]])
    assert (run.status, run.error_message) == ("FAILED", "out of stock")


def test_camel_case_and_cells_of_a_csv_are_understood_too() -> None:
    values = {
        "id": "b",
        "traceId": "any text",
        "type": "GENERATION",
        "name": "answer",
        "startTime": "2026-03-02T10:00:00.000Z",
        "endTime": "2026-03-02T10:00:01.000Z",
        "traceName": "chat",
        "model": "gpt-5",
        "usageDetails": '{"input": "12", "output": 3}',
        "totalCost": "0.25",
    }
    (run,) = runs_of([values])
    assert (run.agent, run.input_tokens, run.output_tokens, run.cost) == ("chat", 12, 3, Decimal("0.25"))
    assert runs_of([values])[0].external_id == run.external_id


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"trace_id": None}, "trace_id: is missing"),
        ({"start_time": "soon"}, "start_time: 'soon' is not an instant"),
        ({"usage_details": "{"}, "usage_details: must be an object with numbers"),
    ],
)
def test_an_observation_that_cannot_be_read_names_the_field(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(BadInputError, match=fault):
        runs_of([generation("a", 0) | fields])
