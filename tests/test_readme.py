"""What the README says is run: its commands against a server, its table of settings against the code."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from pydantic.fields import FieldInfo

from formicary.cli.serve import serve
from formicary.config import Settings

README = (Path(__file__).parent.parent / "README.md").read_text()
FORMICARY = Path(sys.executable).with_name("formicary")
ADDRESS = "http://127.0.0.1:8765"


def after(mark: str) -> str:
    """What follows a mark in the README: a code block, without its fences, or a table."""
    text = README.partition(f"<!-- test: {mark} -->\n")[2]
    return text.split("```")[1].partition("\n")[2] if text.startswith("```") else text.split("\n\n")[0]


def answers(text: str) -> list[Any]:
    """JSON values, one after the other."""
    found, decoder = [], json.JSONDecoder()
    while text := text.strip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def settings_table() -> str:
    options = {option.name: option.opts[0] for option in serve.params if isinstance(option, click.Option)}
    options["open"] = options.pop("open_")
    rows = (_row(name, field, options.get(name)) for name, field in Settings.model_fields.items())
    return "\n".join(["| Variable | Flag | Default | What it is |", "| --- | --- | --- | --- |", *rows])


def _row(name: str, field: FieldInfo, flag: str | None) -> str:
    variable = field.validation_alias or f"FORMICARY_{name.upper()}"
    default = "" if field.default is None else f"`{_shown(field.default)}`"
    return f"| `{variable}` | {f'`{flag}`' if flag else ''} | {default} | {field.description} |"


def _shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


@pytest.fixture
def url(dsn: str) -> Iterator[str]:
    command = [FORMICARY, "serve", "--port", "0", "--database-url", dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().split()[-1]
        finally:
            server.terminate()


@pytest.mark.curl
def test_the_curl_example_records_a_batch_and_reads_it_back(url: str) -> None:
    script = after("curl").replace(ADDRESS, url)
    done = subprocess.run(["sh", "-e", "-c", script], capture_output=True, text=True, check=True)
    assert answers(done.stdout) == answers(after("answers"))


def test_the_python_example_records_a_run(url: str) -> None:
    script = after("python").replace(ADDRESS, url)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "Counts(delivered=1, rejected=0, dropped=0, lost=0, waiting=0)\n"


def test_every_setting_is_in_the_table() -> None:
    assert after("settings") == settings_table()


def test_every_command_is_named() -> None:
    from formicary.cli import main

    assert all(f"`{command}`" in README for command in main.commands)


def test_every_link_leads_somewhere() -> None:
    root = Path(__file__).parent.parent
    for document in [*root.glob("*.md"), *root.glob("docs/*.md")]:
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text())
        assert [link for link in links if not (document.parent / link).exists()] == [], document
