"""Every example of docs/api.md, in its order, against a server with the sample data."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2

DOCUMENT = (Path(__file__).parent.parent / "docs" / "api.md").read_text()
FORMICARY = Path(sys.executable).with_name("formicary")
EXAMPLE = re.compile(r"```graphql\n(.*?)```(?:\n\n```json\n(.*?)```)?", re.DOTALL)
FOUND = """{
    agents(first: 1) { nodes { id } }
    runs(first: 1, filter: {initiator: ["support-triage"]}) { nodes { id } pageInfo { endCursor } }
}"""


def ask(url: str, query: str, variables: str = "") -> Any:
    body = {"query": query, "variables": json.loads(variables or "{}")}
    return httpx2.post(f"{url}/graphql", json=body, timeout=60).json()


def stand_ins(url: str) -> dict[str, str]:
    found = ask(url, FOUND)["data"]
    return {
        "AGENT_ID": found["agents"]["nodes"][0]["id"],
        "RUN_ID": found["runs"]["nodes"][0]["id"],
        "CURSOR": found["runs"]["pageInfo"]["endCursor"],
    }


def replaced(text: str, values: dict[str, str]) -> str:
    return re.sub("|".join(values), lambda found: values[found[0]], text)


def shown_nothing(value: Any) -> bool:
    """Whether an answer has nothing to look at: an object that is null, or a list without an item."""
    if isinstance(value, dict):
        return ("nodes" in value and not value["nodes"]) or any(shown_nothing(item) for item in value.values())
    return isinstance(value, list) and any(shown_nothing(item) for item in value)


def test_every_example_is_answered_with_something(dsn: str) -> None:
    command = [FORMICARY, "serve", "--demo", "--port", "0", "--database-url", dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        url = server.stdout.readline().split()[-1]
        try:
            values = stand_ins(url)
            answers = {query: ask(url, query, replaced(variables, values)) for query, variables in examples()}
        finally:
            server.terminate()
    assert len(answers) >= 14
    assert {query: answer for query, answer in answers.items() if "errors" in answer} == {}
    assert [query for query, answer in answers.items() if None in answer["data"].values()] == []
    assert [query for query, answer in answers.items() if shown_nothing(answer["data"])] == []


def examples() -> list[tuple[str, str]]:
    return EXAMPLE.findall(DOCUMENT)


def test_every_code_is_explained() -> None:
    source = Path(__file__).parent.parent / "src"
    files = [source / "errors.py", source / "schema" / "failure.py", *(source / "edge").glob("*.py")]
    codes = {
        code for file in files for code in re.findall(r'(?:code = |[A-Z] = |\d{3}, )"([A-Z_]{6,})"', file.read_text())
    }
    assert {code for code in codes - {"CONFIGURATION"} if f"| `{code}` |" not in DOCUMENT} == set()
