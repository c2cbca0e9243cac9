"""Runs in the API's shape, and files that were exported."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from formicary.errors import BadInputError
from formicary.importing.own import run_input
from formicary.importing.records import Record
from formicary.ingest.run_input import RunInput, RunKeyInput


def of_json(line: int = 1, **values: Any) -> RunInput:
    return run_input(Record(line, {"agent": "scout", **values}))


def of_csv(**cells: str) -> RunInput:
    return run_input(Record(2, {"agent": "scout", **cells}, is_text=True))


def test_cells_become_what_their_fields_hold() -> None:
    run = of_csv(
        inputTokens="12",
        durationMs="250.5",
        cost="0.00125",
        startedAt="2026-03-02T10:00:00Z",
        tools='["search", "read"]',
        models="small; large",
        metadata='{"branch": "main"}',
        pheromoneScore="0.5",
    )
    assert (run.input_tokens, run.duration_ms, run.cost) == (12, 250.5, Decimal("0.00125"))
    assert run.started_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (run.tools, run.models) == (["search", "read"], ["small", "large"])
    assert (run.metadata, run.pheromone_score) == ({"branch": "main"}, 0.5)


def test_what_an_export_computed_is_left_out_and_an_estimated_cost_too() -> None:
    exported: dict[str, Any] = {"recordedAt": "2026-03-02T10:00:00Z", "cost": "0.5", "version": None}
    assert of_json(**exported, costSource="ESTIMATED").cost is None
    assert of_json(**exported, costSource="REPORTED").cost == Decimal("0.5")
    assert of_json(**exported).version == "unversioned"


def test_a_parent_is_put_together_of_its_columns() -> None:
    run = of_csv(project="shop", parentAgent="planner", parentExternalId="p-1")
    assert run.parent == RunKeyInput("planner", "p-1", "shop")


def test_the_apostrophe_before_a_formula_is_taken_off() -> None:
    assert of_csv(errorMessage="'=1+1").error_message == "=1+1"
    assert of_csv(errorMessage="'tis so").error_message == "'tis so"


def test_a_run_without_an_id_gets_one_of_its_place_and_content() -> None:
    ids = {of_json(line, model=model).external_id for line in (1, 2) for model in ("m", "n")}
    assert len(ids) == 4
    assert of_json(1, model="m").external_id in ids
    assert of_json(externalId="own").external_id == "own"


def test_a_project_is_given_to_runs_that_name_none() -> None:
    assert run_input(Record(1, {"agent": "a"}), "shop").project == "shop"
    assert run_input(Record(1, {"agent": "a", "project": "own"}), "shop").project == "own"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"status": "DONE"}, "status"),
        ({"inputTokens": "12"}, "inputTokens"),
        ({"tokens": 12}, "tokens"),
        ({"startedAt": "2026-03-02 10:00"}, "startedAt"),
        ({"cost": "much"}, "much"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], named: str) -> None:
    with pytest.raises(BadInputError, match=named):
        of_json(**values)


def test_a_cell_that_is_no_json_is_named() -> None:
    with pytest.raises(BadInputError, match=r"metadata: '\{' is not valid JSON"):
        of_csv(metadata="{")
