"""`formicary otlp explain` tells which runs a body makes, from what, and what was ignored."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from formicary.errors import BadInputError
from formicary.otlp.explain import explain

from ..commands import run
from .fixtures import DATA, EXPECTED, FILES
from .spans import ERROR, START, agent, body, chain, chat, span, tool


def told(content: bytes) -> str:
    return "\n".join(explain(content, datetime.now(UTC)))


@pytest.mark.parametrize(("name", "file"), FILES, ids=[file for _, file in FILES])
def test_every_run_of_a_recorded_body_is_told_with_its_values(name: str, file: str) -> None:
    text, fixture = told((DATA / file).read_bytes()), EXPECTED[name]
    assert text.count("  RUN\n") == len(fixture["runs"])
    for one in fixture["runs"]:
        part = text.partition(f"[{one['span_id']}]  RUN\n")[2].partition("]  ")[0]
        assert one["agent"] in part
        assert one["model"] in part
        assert one["status"] in part
    for wrapper in fixture["not_runs"]:
        assert f"[{wrapper['span_id']}]  agent: around runs" in text


def test_both_formats_of_a_body_are_told_alike() -> None:
    assert told((DATA / "strands.bin").read_bytes()) == told((DATA / "strands.json").read_bytes())


def test_what_each_value_is_from_is_told() -> None:
    text = told(
        body(
            chain(1, name="flow", status=ERROR, message="boom"),
            agent(2, 1, name="work", prompt="SECRET"),
            chat(3, 2, name="ask", gen_ai__request__model="m-1"),
            chat(4, 3, name="ask again", at=0.1),
            tool(5, 2, at=0.2),
            span(6, 2, name="inside", at=0.3, openinference__span__kind="TOOL"),
            service__version="7",
        ).content
    )
    started = datetime.fromtimestamp(START, UTC)
    assert re.sub(r"(?<=\S) {3,}", "  ", text) == _TOLD.format(
        started=started.isoformat(), ended=(started + timedelta(seconds=1)).isoformat()
    )


_TOLD = """\
6 spans in 1 trace, 1 run

trace 00000000000000000000000000000001
  flow  [0000000000000001]  workflow or chain: around runs
    work  [0000000000000002]  RUN
        agent  scout  gen_ai.agent.name
        version  7  service.version of the resource
        status  FAILED  the status of flow, the wrapper around it
        error  boom
        model  m-1  gen_ai.request.model of ask
        input tokens  10  gen_ai.usage.input_tokens of 1 model call
        output tokens  2  gen_ai.usage.output_tokens of 1 model call
        tools  lookup
        started  {started}
        ended  {ended}
        ignored: prompt
      ask  [0000000000000003]  model call, 10 + 2 tokens, around another: not counted
        ask again  [0000000000000004]  model call, 10 + 2 tokens
      span  [0000000000000005]  tool lookup
      inside  [0000000000000006]  tool without a name: not counted"""


def test_a_span_without_its_parent_and_one_that_is_refused_are_told() -> None:
    lost = agent(3, 2)
    lost.trace_id = bytes(16)
    text = told(body(agent(2, 1), lost).content)
    assert "1 span not taken: the trace id is not 16 bytes" in text
    assert "its parent 0000000000000001 is not here; it would be waited for" in text


def test_what_is_neither_format_is_refused() -> None:
    with pytest.raises(BadInputError, match="protobuf"):
        told(b"\xff")
    with pytest.raises(BadInputError, match="JSON"):
        told(b"{")


def test_the_command_reads_files_compressed_or_not_and_says_what_is_wrong(tmp_path: Path) -> None:
    zipped, broken = tmp_path / "body.gz", tmp_path / "broken.gz"
    zipped.write_bytes(gzip.compress((DATA / "strands.bin").read_bytes()))
    broken.write_bytes(zipped.read_bytes()[:-20])
    plain = run("otlp", "explain", str(DATA / "strands.json"))
    assert plain.returncode == 0
    assert plain.stdout.startswith("9 spans in 2 traces, 2 runs\n")
    assert run("otlp", "explain", str(zipped)).stdout == plain.stdout
    failed = run("otlp", "explain", str(broken))
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "not valid gzip" in failed.stderr
