"""Each example, run against a server, prints and records what it says."""

import asyncio
import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from .conftest import EXAMPLES, PATIENCE, ROOT, Place

SAID = "It is 21 degrees in Oslo."
MISSING = "no-such-model"
RUNS = """{ runs(first: 10, orderBy: {field: STARTED, direction: ASC}) { nodes {
    agent { name } version { version } status model provider inputTokens outputTokens cachedInputTokens cost tools
    error { type message } parent { spanId }
} } }"""


async def run(command: Sequence[str | Path], place: Place) -> str:
    """What a command prints, given the place in OpenTelemetry's variables and those of the recorder's example."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / ".pkg"),
            "OTEL_EXPORTER_OTLP_ENDPOINT": place.url,
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{place.key}",
            "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.4.0",
            "FORMICARY_URL": place.url,
            "FORMICARY_KEY": place.key,
        },
    )
    printed, complaints = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, complaints.decode()
    return printed.decode()


async def recorded(place: Place) -> list[dict[str, Any]]:
    answer = (await place.client.post("/graphql", json={"query": RUNS})).json()
    assert "errors" not in answer, answer
    runs: list[dict[str, Any]] = answer["data"]["runs"]["nodes"]
    return runs


def expected(**differences: object) -> dict[str, object]:
    """A run of an example as it was, unless stated otherwise."""
    return {
        "agent": {"name": "weather"},
        "version": {"version": "1.4.0"},
        "status": "SUCCEEDED",
        "model": "gpt-5-mini",
        "provider": "openai",
        "inputTokens": 130,
        "outputTokens": 30,
        "cachedInputTokens": 40,
        "cost": Decimal("0.0000835"),
        "tools": ["temperature"],
        "error": None,
        "parent": None,
    } | differences


def failed(error_type: str | None, **differences: object) -> dict[str, object]:
    nothing = dict.fromkeys(("inputTokens", "outputTokens", "cachedInputTokens", "cost"))
    return expected(status="FAILED", tools=[], error=error_type, **nothing) | differences


PYTHON = {
    "with_pydantic_ai.py": [expected(), failed("pydantic_ai.exceptions.ModelNotFoundError", model=MISSING)],
    "with_openai_agents.py": [expected(), failed(None, model=None)],  # it tells neither of a call that failed
    "with_langgraph.py": [
        expected(),
        failed("langchain_openai.chat_models.base.OpenAIModelNotFoundError", model=MISSING),
    ],
    "with_strands.py": [expected(provider=None), failed("openai.NotFoundError", model=MISSING, provider=None)],
    "with_recorder.py": [expected(), failed("NotFoundError", model=MISSING)],
}
JAVASCRIPT = {
    "with-vercel-ai.mjs": [expected(), failed("Error")],
    "with-opentelemetry.mjs": [expected(), failed("Error")],
}


@pytest.mark.parametrize("script", PYTHON)
async def test_python(script: str, python: str, place: Place) -> None:
    said, complaint = (await run([python, EXAMPLES / "python" / script], place)).splitlines()
    assert said == SAID
    assert MISSING in complaint
    assert comparable(await recorded(place)) == PYTHON[script]


@pytest.mark.parametrize("script", JAVASCRIPT)
async def test_javascript(script: str, node: tuple[str, Path], place: Place) -> None:
    program, directory = node
    assert await run([program, directory / script], place) == f"{SAID}\nThe model is overloaded.\n"
    assert comparable(await recorded(place)) == JAVASCRIPT[script]


def comparable(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Costs as numbers; of an error its type, while its message only has to be there."""
    for run in runs:
        run["cost"] = run["cost"] and Decimal(run["cost"])
        if run["error"] is not None:
            assert run["error"]["message"]
            run["error"] = run["error"]["type"]
    return list(runs)
