"""The public audits of GraphQL over HTTP, against the real edge."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.node

HERE = Path(__file__).parent
PACKAGES = ("graphql-http@1.23.1", "graphql@16.14.0")


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("audits")
    command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *PACKAGES]
    subprocess.run(command, cwd=directory, check=True, capture_output=True)
    return directory


def test_every_audit_passes(packages: Path, sample_url: str) -> None:
    command = ["node", str(HERE / "audits.mjs"), str(packages), f"{sample_url}/graphql"]
    run = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    results: list[dict[str, Any]] = json.loads(run.stdout)
    assert len(results) == 61
    assert [result for result in results if result["status"] != "ok"] == []
