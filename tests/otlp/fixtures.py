"""The recorded bodies of tests/data/otlp, the runs that each must give, and a server to send them to."""

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from formicary.app import create_app
from formicary.auth import Authenticator
from formicary.config import Settings
from formicary.db import Database

from ..edge.serving import listening

DATA = Path(__file__).parents[1] / "data" / "otlp"
EXPECTED: dict[str, Any] = json.loads((DATA / "expected.json").read_text())["fixtures"]
NAMES = [name for name, fixture in EXPECTED.items() if fixture["files"][0].endswith(".bin")]
"""Those that are there in protobuf."""
FILES = [(name, file) for name, fixture in EXPECTED.items() for file in fixture["files"]]
PROTOBUF, JSON = "application/x-protobuf", "application/json"

RUNS = """{ runs(first: 500, orderBy: {field: STARTED, direction: ASC}) { nodes {
    agent { name } version { version } status model provider inputTokens outputTokens sessionId tools
    error { type message } parent { spanId traceId } traceId spanId externalId startedAt endedAt
} } }"""


@dataclass(frozen=True, slots=True)
class Body:
    content: bytes
    content_type: str = PROTOBUF


def body(file: str) -> Body:
    return Body((DATA / file).read_bytes(), PROTOBUF if file.endswith(".bin") else JSON)


def request_of(name: str) -> ExportTraceServiceRequest:
    """A fixture as a message."""
    return ExportTraceServiceRequest.FromString((DATA / f"{name}.bin").read_bytes())


def one_by_one(request: ExportTraceServiceRequest) -> list[Body]:
    """A request for each span of a message, in its order."""
    bodies = []
    for group in request.resource_spans:
        for scope in group.scope_spans:
            for span in scope.spans:
                single = ExportTraceServiceRequest()
                inner = single.resource_spans.add(resource=group.resource).scope_spans.add(scope=scope.scope)
                inner.spans.add().CopyFrom(span)
                bodies.append(Body(single.SerializeToString()))
    return bodies


def as_json(request: ExportTraceServiceRequest) -> Body:
    """In protobuf's own JSON, ids in hex as OTLP has it."""
    message = MessageToDict(request)
    for group in message["resourceSpans"]:
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = _hex(span[name])
    return Body(json.dumps(message).encode(), JSON)


def _hex(base64: str) -> str:
    from base64 import b64decode

    return b64decode(base64).hex()


@asynccontextmanager
async def served(settings: Settings, db: Database) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a server that is open to everybody here."""
    authenticator = Authenticator(db, is_open=True)
    app = create_app(settings, database=db, authenticator=authenticator)
    async with listening(app) as url, httpx2.AsyncClient(base_url=url, timeout=60) as client:
        yield client
    await authenticator.close()


async def post(client: httpx2.AsyncClient, *bodies: Body) -> None:
    """Send bodies, each of which must be taken whole."""
    for one in bodies:
        headers = {"content-type": one.content_type}
        response = await client.post("/v1/traces", content=one.content, headers=headers)
        assert response.status_code == 200, response.content
        assert response.content in (b"", b"{}")
        assert response.headers["content-type"] == one.content_type


async def recorded(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    """All runs in order of their start, as GraphQL has them."""
    answer = (await client.post("/graphql", json={"query": RUNS})).json()
    assert "errors" not in answer, answer
    runs: list[dict[str, Any]] = answer["data"]["runs"]["nodes"]
    return runs


def assert_expected(runs: Sequence[dict[str, Any]], *names: str) -> None:
    """The runs are those of the fixtures, and no others."""
    expected = sorted((run for name in names for run in EXPECTED[name]["runs"]), key=_place)
    assert [run["spanId"] for run in runs] == [run["span_id"] for run in expected]
    for run, wanted in zip(runs, expected, strict=True):
        assert list(_differences(run, wanted)) == []


def _place(run: dict[str, Any]) -> int:
    return int(run["started_at_unix_nano"])


def _differences(run: dict[str, Any], wanted: dict[str, Any]) -> Iterable[tuple[str, object, object]]:
    found = {
        "agent": run["agent"]["name"],
        "version": None if run["version"]["version"] == "unversioned" else run["version"]["version"],
        "status": run["status"],
        "model": run["model"],
        "provider": run["provider"],
        "input_tokens": run["inputTokens"],
        "output_tokens": run["outputTokens"],
        "session": run["sessionId"],
        "tools": run["tools"],
        "parent": run["parent"] and run["parent"]["spanId"],
        "trace_id": run["traceId"],
        "span_id": run["spanId"],
        "started_at_unix_nano": run["startedAt"],
        "ended_at_unix_nano": run["endedAt"],
    }
    times = ("started_at_unix_nano", "ended_at_unix_nano")
    rounded = {name: _instant(wanted[name]) for name in times}
    for name, value in found.items():
        right = [rounded[name] if name in times else wanted[name], *wanted.get("accept", {}).get(name, [])]
        if value not in right:
            yield name, value, right
    if run["externalId"] != f"{wanted['trace_id']}-{wanted['span_id']}":
        yield "external id", run["externalId"], wanted["span_id"]
    yield from _error_differences(run["error"], wanted["error"])


def _error_differences(
    error: dict[str, Any] | None, wanted: dict[str, Any] | None
) -> Iterable[tuple[str, object, object]]:
    if error is None or wanted is None:
        if error != wanted:
            yield "error", error, wanted
    elif error["type"] != wanted["type"] or not error["message"].startswith(wanted["message_starts_with"]):
        yield "error", error, wanted


def _instant(nanoseconds: str) -> str:
    microseconds = int(nanoseconds) // 1000
    at = datetime.fromtimestamp(microseconds // 10**6, UTC).replace(microsecond=microseconds % 10**6)
    return at.isoformat().replace("+00:00", "Z")
