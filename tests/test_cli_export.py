"""`formicary export` writes files without a server."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.ingest.run_input import RunInput

from .commands import run


@pytest.fixture(autouse=True)
async def _recorded(db: Database) -> None:
    now = datetime.now(UTC)
    await Recorder(db).record(
        [RunInput(agent="a", started_at=now), RunInput(agent="b", started_at=now, status="FAILED")]
    )


async def test_format_follows_the_file_and_the_filter_is_that_of_the_list(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "runs.ndjson"
    done = run("export", "runs", "--where", "status=FAILED", str(file), DATABASE_URL=dsn)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["agent"] for line in file.read_text().splitlines()] == ["b"]
    assert f"Wrote {file}" in done.stderr


async def test_figures_go_to_standard_output(dsn: str) -> None:
    done = run("export", "metrics", "--by", "agent", "-", DATABASE_URL=dsn)
    assert [(row["key"], row["runs"]) for row in csv.DictReader(done.stdout.splitlines())] == [("a", "1"), ("b", "1")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "xlsx", "-"], "'xlsx' is none of csv, ndjson, parquet"),
        (["--where", "colour=red", "-"], "is not FIELD=VALUE with a field of status"),
    ],
)
async def test_wrong_usage_is_named(dsn: str, arguments: list[str], message: str) -> None:
    done = run("export", "runs", *arguments, DATABASE_URL=dsn)
    assert done.returncode == 2
    assert message in done.stderr


async def test_wrong_value_is_named(dsn: str) -> None:
    done = run("export", "runs", "--where", "status=LOST", "-", DATABASE_URL=dsn)
    assert done.returncode == 1
    assert "status: 'LOST' is not one of" in done.stderr
