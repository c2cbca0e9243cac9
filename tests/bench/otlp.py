"""Traces in: spans a second from bodies in protobuf to committed runs, beside parsing them and beside COPY of the runs.

A run is five spans, as pydantic-ai sends them with their messages: the agent, two model calls, two tool calls. Parsing
alone is `ExportTraceServiceRequest.FromString`, which leaves all that it has parsed where it is: in C, unread. COPY of
the runs, by the server itself from a file, is what no way of recording them can beat.
"""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from . import processes
from .client import Target, post, send_all
from .figures import Measure, Report, Table
from .recording import FRESH, QUIET, Limit, copy, execute
from .server import Server, scratch, serve

TRACES = Target(b"/v1/traces", b"application/x-protobuf")
SPANS_OF_RUN = 5
SPANS_OF_BODY = 500
RUNS_OF_BODY = SPANS_OF_BODY // SPANS_OF_RUN
BODIES = 400
CLIENTS = (1, 4)
AGENTS = 50
INPUT_TOKENS = (100, 130)
"""Of the two model calls of a run."""
ROUNDS = 3
PARSE_TARGET = 0.35

QUESTION = "What is the weather in Oslo, and should I take an umbrella? " * 4
ARGUMENTS = json.dumps({"city": "Oslo", "days": 3})
RESULT = json.dumps({"city": "Oslo", "celsius": [3, 4, 2], "rain": [0.1, 0.4, 0.0]})


@dataclass(frozen=True, slots=True)
class Taking:
    """CPU is in seconds for one span."""

    clients: int
    rate: float
    app_cpu: float
    postgres_cpu: float
    peak_mb: float


def measure(*, quick: bool) -> Report:
    with scratch() as directory, serve(directory / "data", "--no-worker") as server:
        execute(server, *QUIET)
        number = BODIES // 10 if quick else BODIES
        for body in bodies(10, seed=0):
            post(server.port, body, TRACES)
        takings: list[Taking] = []
        limits: list[Limit] = []
        for clients in CLIENTS:
            tries = [
                _round(server, bodies(number, seed=n + clients * ROUNDS), clients, directory) for n in range(ROUNDS)
            ]
            takings.append(min((taking for taking, _ in tries), key=lambda one: one.app_cpu + one.postgres_cpu))
            limits.append(min((limit for _, limit in tries), key=lambda one: one.cpu))
    sample = bodies(20, seed=1)
    parsed = _parse(sample)
    return Report("otlp", [_table(takings, limits, parsed, len(sample[0]))], _measures(takings, limits, parsed))


def _round(server: Server, sent: Sequence[bytes], clients: int, directory: Path) -> tuple[Taking, Limit]:
    """Ours, and at once the limit, so that both meet the machine in one mood."""
    taking = _take(server, sent, clients)
    return taking, next(limit for limit in copy(server, 1_000, directory) if limit.clients == clients)


def _take(server: Server, sent: Sequence[bytes], clients: int) -> Taking:
    execute(server, "TRUNCATE otlp_trace", *FRESH.split("; "))
    processes.forget_peak(server.pid)
    app, postgres = processes.cpu_seconds(server.pid), processes.family_cpu_seconds(server.postgres_pid)
    burst = send_all(server.port, [sent[at::clients] for at in range(clients)], b"", TRACES)
    spans = len(sent) * SPANS_OF_BODY
    taking = Taking(
        clients,
        spans / burst.wall,
        (processes.cpu_seconds(server.pid) - app) / spans,
        (processes.family_cpu_seconds(server.postgres_pid) - postgres) / spans,
        processes.peak_mb(server.pid),
    )
    _check(server, len(sent) * RUNS_OF_BODY)
    return taking


def _check(server: Server, runs: int) -> None:
    """Every run must be there, with the tokens of both of its calls."""
    stored = asyncio.run(_stored(server.dsn))
    assert stored == (runs, runs * sum(INPUT_TOKENS)), stored


async def _stored(dsn: str) -> tuple[int, int]:
    """Runs and their input tokens."""
    connection = await asyncpg.connect(dsn)
    row = await connection.fetchrow("SELECT count(*), sum(input_tokens)::bigint FROM run")
    await connection.close()
    return row[0], row[1]


def _parse(sent: Sequence[bytes]) -> float:
    """Seconds of CPU for one span, the least of several rounds."""
    rounds = []
    for _ in range(ROUNDS * 3):
        begun = time.process_time()
        for body in sent:
            ExportTraceServiceRequest.FromString(body)
        rounds.append((time.process_time() - begun) / (len(sent) * SPANS_OF_BODY))
    return min(rounds)


def bodies(number: int, *, seed: int) -> list[bytes]:
    draw = random.Random(seed)
    return [_body(draw) for _ in range(number)]


def _body(draw: random.Random) -> bytes:
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    _set(group.resource, **{"service.name": "weather", "service.version": "1.4.0", "telemetry.sdk.language": "python"})
    scope = group.scope_spans.add()
    scope.scope.name = "pydantic-ai"
    for _ in range(RUNS_OF_BODY):
        scope.spans.extend(_run(draw))
    return request.SerializeToString()


def _run(draw: random.Random) -> list[Span]:
    """Children first, as they end."""
    trace, root = draw.randbytes(16), draw.randbytes(8)
    started = time.time_ns() - draw.randrange(10, 10_000) * 10**9
    agent = f"agent-{draw.randrange(AGENTS)}"
    common = {"gen_ai.agent.name": agent, "gen_ai.conversation.id": draw.randbytes(8).hex()}
    spans = []
    for turn, used in enumerate(INPUT_TOKENS):
        at = started + turn * 10**9
        spans.append(_span(trace, draw.randbytes(8), root, at, "chat gpt-4o-mini", **common, **_chat(used)))
        spans.append(_span(trace, draw.randbytes(8), root, at + 10**8, "execute_tool weather", **common, **_tool()))
    messages = {"pydantic_ai.all_messages": json.dumps([QUESTION] * 3), "final_result": "Take one."}
    total = {"gen_ai.aggregated_usage.input_tokens": sum(INPUT_TOKENS), "gen_ai.aggregated_usage.output_tokens": 40}
    named = {"gen_ai.operation.name": "invoke_agent", "agent_name": agent, "model_name": "gpt-4o-mini"}
    return [*spans, _span(trace, root, b"", started, f"invoke_agent {agent}", **common, **named, **total, **messages)]


def _chat(used: int) -> dict[str, str | int]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.input.messages": json.dumps([{"role": "user", "parts": [{"type": "text", "content": QUESTION}]}]),
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [{"content": ARGUMENTS}]}]),
        "gen_ai.usage.input_tokens": used,
        "gen_ai.usage.output_tokens": 20,
    }


def _tool() -> dict[str, str | int]:
    return {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "weather",
        "gen_ai.tool.call.id": "call_1",
        "gen_ai.tool.call.arguments": ARGUMENTS,
        "gen_ai.tool.call.result": RESULT,
    }


def _span(trace: bytes, id_: bytes, parent: bytes, at: int, name: str, **attributes: str | int) -> Span:
    span = Span(trace_id=trace, span_id=id_, parent_span_id=parent, name=name, kind=Span.SPAN_KIND_INTERNAL)
    span.start_time_unix_nano, span.end_time_unix_nano = at, at + 9 * 10**8
    _set(span, **attributes)
    return span


def _set(owner: Span | Resource, **attributes: str | int) -> None:
    for name, value in attributes.items():
        given = owner.attributes.add(key=name).value
        if isinstance(value, str):
            given.string_value = value
        else:
            given.int_value = value


def _table(takings: Sequence[Taking], limits: Sequence[Limit], parsed: float, size: int) -> Table:
    table = Table(
        "POST /v1/traces, bodies of 500 spans in protobuf",
        ["clients", "spans/s", "app us/span", "PG us/span", "parse us/span", "COPY us/span", "COPY/max", "peak MB"],
        note=f"CPU in microseconds a span; a body has {size:,} bytes. COPY of the runs made of the spans, by as many "
        "connections; COPY/max: it over the greater of app and PG",
    )
    for one, limit in zip(takings, limits, strict=True):
        dearest = max(one.app_cpu, one.postgres_cpu)
        cpu = [1e6 * seconds for seconds in (one.app_cpu, one.postgres_cpu, parsed, limit.cpu / SPANS_OF_RUN)]
        ratio = limit.cpu / SPANS_OF_RUN / dearest
        table.rows.append([one.clients, one.rate, *cpu, ratio, one.peak_mb])
    return table


def _measures(takings: Sequence[Taking], limits: Sequence[Limit], parsed: float) -> list[Measure]:
    parse = max(parsed / max(one.app_cpu, one.postgres_cpu) for one in takings)
    pairs = zip(takings, limits, strict=True)
    copied = max(limit.cpu / SPANS_OF_RUN / max(one.app_cpu, one.postgres_cpu) for one, limit in pairs)
    return [
        Measure("parsing/max(app, PG) CPU a span", parse, "", at_least=PARSE_TARGET),
        Measure("COPY of the runs/max(app, PG) CPU a span", copied, ""),
    ]
