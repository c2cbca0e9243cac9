"""`formicary import`, as a process, into a real database."""

import csv
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from . import postgres
from .commands import FORMICARY, environment, run

COUNT = "SELECT count(*) FROM run"
LINES = "SELECT external_id FROM run ORDER BY external_id"


def write(path: Path, *runs: dict[str, Any] | str) -> Path:
    path.write_text("".join(f"{run if isinstance(run, str) else json.dumps(run)}\n" for run in runs))
    return path


def stored(dsn: str, query: str = LINES) -> list[Any]:
    return postgres.wait_for(postgres.fetch_column(dsn, query))


def test_a_file_is_recorded_and_what_is_not_is_put_aside_with_its_reason(dsn: str, tmp_path: Path) -> None:
    good = [{"agent": "scout", "externalId": f"job-{number}"} for number in range(3)]
    file = write(tmp_path / "runs.jsonl", *good, {"agent": ""}, "nonsense")
    done = run("import", str(file), DATABASE_URL=dsn)
    rejects = tmp_path / "runs.jsonl.rejected.jsonl"
    assert (done.returncode, stored(dsn)) == (1, ["job-0", "job-1", "job-2"])
    assert done.stdout == f"{file}: 3 recorded, 0 updated, 0 unchanged, 2 rejected (see {rejects}).\n"
    first, second = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert (first["line"], first["reason"], first["record"]) == (4, "agent: must not be empty.", {"agent": ""})
    assert (second["line"], second["record"]) == (5, {"text": "nonsense\n"})


def test_imported_again_nothing_changes_also_without_ids(dsn: str, tmp_path: Path) -> None:
    file = write(tmp_path / "runs.jsonl", *({"agent": "scout", "timeTaken": "5s"} for _ in range(2_500)))
    assert "2,500 recorded" in run("import", str(file), DATABASE_URL=dsn).stdout
    done = run("import", "--from-line", "2001", str(file), DATABASE_URL=dsn)
    assert (done.returncode, done.stdout) == (0, f"{file}: 0 recorded, 0 updated, 500 unchanged.\n")
    assert stored(dsn, COUNT) == [2_500]


def test_a_dry_run_says_what_would_be_without_any_database(tmp_path: Path) -> None:
    file = write(tmp_path / "runs.jsonl", {"agent": "scout"}, {"agent": "scout", "inputTokens": -1})
    done = run("import", "--dry-run", str(file), DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 1
    assert f"{file}: would be 1 recorded, 0 updated, 0 unchanged, 1 rejected" in done.stdout


def test_standard_input_is_a_file_too(dsn: str, tmp_path: Path) -> None:
    text = "agent,externalId,inputTokens\nscout,a,12\nscout,b,\n"
    done = subprocess.run(
        [FORMICARY, "import", "-"],
        input=text,
        env=environment(DATABASE_URL=dsn),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout == "-: 2 recorded, 0 updated, 0 unchanged.\n"
    assert stored(dsn, "SELECT input_tokens FROM run ORDER BY external_id") == [12, None]


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_what_was_exported_makes_the_same_runs(dsn: str, tmp_path: Path, ending: str) -> None:
    started = datetime.now(UTC).isoformat()
    tricky = {"errorMessage": '=cmd, "quoted"\nand more', "metadata": {"a": [1, "\N{SNOWMAN}"]}, "tools": ["x", "y"]}
    parent = {"agent": "planner", "externalId": "p"}
    runs: list[dict[str, Any]] = [
        {**parent, "cost": "0.5", "startedAt": started, "timeTaken": "5s", "inputTokens": 12},
        {"agent": "scout", "externalId": "s", "status": "FAILED", "startedAt": started, "parent": parent, **tricky},
    ]
    assert run("import", str(write(tmp_path / "runs.jsonl", *runs)), DATABASE_URL=dsn).returncode == 0
    first, second = tmp_path / f"first.{ending}", tmp_path / f"second.{ending}"
    assert run("export", "runs", str(first), DATABASE_URL=dsn).returncode == 0
    postgres.wait_for(postgres.execute(dsn, "TRUNCATE run, run_key"))
    done = run("import", str(first), DATABASE_URL=dsn)
    assert done.stdout == f"{first}: 2 recorded, 0 updated, 0 unchanged.\n"
    assert run("export", "runs", str(second), DATABASE_URL=dsn).returncode == 0
    for before, after in zip(without_time_of_recording(first), without_time_of_recording(second), strict=True):
        assert after == before


def without_time_of_recording(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines)) if file.suffix == ".csv" else [json.loads(line) for line in lines]
    return [{name: value for name, value in row.items() if name != "recordedAt"} for row in rows]


def test_traces_of_other_tools_are_imported_into_a_project(dsn: str, tmp_path: Path) -> None:
    span = {
        "name": "answer",
        "span_kind": "AGENT",
        "context.trace_id": "0af7651916cd43dd8448eb211c80319c",
        "context.span_id": "00000000000000a1",
        "start_time": "2026-03-02T10:00:00Z",
        "end_time": "2026-03-02T10:00:01Z",
        "attributes.agent.name": "planner",
    }
    file = write(tmp_path / "spans.jsonl", span, {"name": "no span"})
    done = run("import", "--format", "phoenix", "--project", "shop", str(file), DATABASE_URL=dsn)
    assert "1 recorded, 0 updated, 0 unchanged, 1 rejected" in done.stdout
    assert stored(dsn, "SELECT p.slug || '/' || a.name FROM agent a JOIN project p ON p.id = a.project_id") == [
        "shop/planner"
    ]


def test_a_file_that_cannot_be_read_is_an_error_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    file.write_text("[1,")
    done = run("import", "--dry-run", str(file))
    assert done.returncode == 1
    assert f"formicary: {file}: the file is not valid JSON" in done.stderr
    assert "Traceback" not in done.stderr
