"""What the recorder's document shows runs, with stand-ins for the providers' libraries, and names every setting."""

import asyncio
import inspect
import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from formicary.client import Recorder
from formicary.client.facts import Facts

from .stand_in import StandIn

DOCUMENT = (Path(__file__).parents[2] / "docs" / "recorder.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)
ADDRESS = "http://127.0.0.1:8765"


def anthropic_answer(**_: Any) -> Any:
    return SimpleNamespace(model="claude-haiku-4-5", usage=SimpleNamespace(input_tokens=3, output_tokens=4))


async def openai_answer(**_: Any) -> Any:
    usage = SimpleNamespace(input_tokens=5, output_tokens=6)
    return SimpleNamespace(model="gpt-5", output_text="an answer", usage=usage)


def test_the_examples_record_what_they_say(
    server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {
        "os": os,
        "messages": [],
        "client": SimpleNamespace(messages=SimpleNamespace(create=anthropic_answer)),
        "openai_client": SimpleNamespace(responses=SimpleNamespace(create=openai_answer)),
    }
    recorders = set()
    for block in BLOCKS:
        exec(compile(block.replace(ADDRESS, server.url), "recorder.md", "exec"), names)
        recorders.add(names["recorder"])
        if "async def research" in block:
            assert asyncio.run(names["research"]("why?")) == "an answer"
    for recorder in recorders:
        recorder.close()
    first, second, third, fourth = server.runs
    assert (first["model"], first["inputTokens"], first["sessionId"]) == ("claude-haiku-4-5", 3, "s-1")
    assert (second["agent"], second["model"], second["outputTokens"]) == ("researcher", "gpt-5", 6)
    assert (third["status"], third["errorType"]) == ("FAILED", "EmptyInput")
    assert third["metadata"] == {"branch": "main", "attempt": 2}
    assert (fourth["agent"], fourth["parent"]["externalId"]) == ("reader", third["externalId"])
    assert capsys.readouterr().out == "4 0 0 0 0\n"


def test_every_setting_and_every_fact_is_named() -> None:
    settings = inspect.signature(Recorder).parameters
    table = DOCUMENT.partition("## Settings")[2]
    assert [name for name in settings if f"`{name}`" not in table] == []
    assert [name for name in Facts.__annotations__ if f"`{name}`" not in DOCUMENT] == []
