"""OTLP over HTTP: the answers of its specification, and nothing a body holds that breaks the server."""

import gzip
import json
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from google.rpc.status_pb2 import Status
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from formicary.app import create_app
from formicary.auth import Authenticator, create_key
from formicary.config import Settings
from formicary.db import Database
from formicary.models import Role

from ..otlp.fixtures import JSON, PROTOBUF, Body, as_json, body, recorded
from ..otlp.spans import START, agent, chat, request
from ..otlp.spans import body as body_of
from .serving import listening

MANY_MB = 1024 * 1024


@asynccontextmanager
async def serving(db: Database, settings: Settings, *, is_open: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
    authenticator = Authenticator(db, is_open=is_open)
    app = create_app(settings, database=db, authenticator=authenticator)
    async with listening(app) as url, httpx2.AsyncClient(base_url=url, timeout=60) as client:
        yield client
    await authenticator.close()


@pytest.fixture
async def client(db: Database, settings: Settings) -> AsyncIterator[httpx2.AsyncClient]:
    async with serving(db, settings) as client:
        yield client


async def send(client: httpx2.AsyncClient, sent: Body, **headers: str) -> httpx2.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/v1/traces", content=sent.content, headers={"content-type": sent.content_type, **named})


def partial(response: httpx2.Response) -> tuple[int, str]:
    assert response.status_code == 200, response.content
    assert response.headers["content-type"] == PROTOBUF
    success = ExportTraceServiceResponse.FromString(response.content).partial_success
    return success.rejected_spans, success.error_message


def status(response: httpx2.Response) -> tuple[int, str]:
    """Code and message of an error."""
    if response.headers["content-type"] == JSON:
        answer: dict[str, Any] = response.json()
        assert set(answer) == {"code", "message"}
        return answer["code"], answer["message"]
    assert response.headers["content-type"] == PROTOBUF
    told = Status.FromString(response.content)
    return told.code, told.message


async def test_gzip_and_chunks_are_taken(client: httpx2.AsyncClient) -> None:
    sent = body("pydantic-ai.bin")
    zipped = Body(gzip.compress(sent.content))
    assert (await send(client, zipped, content_encoding="gzip")).content == b""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(sent.content), 1000):
            yield sent.content[start : start + 1000]

    response = await client.post("/v1/traces", content=chunks(), headers={"content-type": PROTOBUF})
    assert (response.status_code, response.content) == (200, b"")
    assert len(await recorded(client)) == 5


async def test_parameters_of_the_content_type_are_no_obstacle(client: httpx2.AsyncClient) -> None:
    sent = body("node-sdk.otlp.json")
    response = await send(client, Body(sent.content, "Application/JSON; charset=utf-8"))
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize("content", [b"", b"{}", b'{"resourceSpans":[]}', b'{"resourceSpans":null}'])
async def test_a_body_without_spans_is_fine(client: httpx2.AsyncClient, content: bytes) -> None:
    response = await send(client, Body(content, JSON if content else PROTOBUF))
    assert response.status_code == 200


@pytest.mark.parametrize("kind", [PROTOBUF, JSON])
async def test_spans_that_cannot_be_taken_are_counted_and_the_others_recorded(
    client: httpx2.AsyncClient, kind: str
) -> None:
    future, backwards, nowhere = agent(2, at=1e6), agent(3, seconds=-1), agent(4)
    nowhere.trace_id = bytes(16)
    made = request(agent(1), future, backwards, nowhere)
    response = await send(client, Body(made.SerializeToString()) if kind == PROTOBUF else as_json(made))
    if kind == PROTOBUF:
        count, message = partial(response)
    else:
        told = response.json()["partialSuccess"]
        count, message = int(told["rejectedSpans"]), told["errorMessage"]
    assert count == 3
    for part in ("the start of an agent's span", "the end of an agent's span", "the trace id"):
        assert part in message
    assert [run["spanId"] for run in await recorded(client)] == [f"{1:016x}"]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (Body(b"\xff\xff"), "protobuf"),
        (Body(body("strands.bin").content[:-7]), "protobuf"),
        (Body(b"{", JSON), "not valid JSON"),
        (Body(b"\xff", JSON), "JSON"),
        (Body(b'{"resourceSpans":{}}', JSON), "$.resourceSpans"),
        (
            Body(b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":7}]}]}]}', JSON),
            "$.resourceSpans[0].scopeSpans[0]",
        ),
        (Body(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, JSON), "nested too deeply"),
        (Body(b"[]", JSON), "JSON"),
    ],
)
async def test_what_cannot_be_decoded_is_answered_in_kind(client: httpx2.AsyncClient, sent: Body, told: str) -> None:
    response = await send(client, sent)
    assert response.status_code == 400
    assert response.headers["content-type"] == sent.content_type
    code, message = status(response)
    assert code == 3
    assert told in message


@pytest.mark.parametrize("kind", ["", "text/plain", "application/grpc"])
async def test_other_media_types_are_refused(client: httpx2.AsyncClient, kind: str) -> None:
    response = await send(client, Body(b"", kind))
    assert response.status_code == 415
    assert "application/x-protobuf" in status(response)[1]


async def test_other_encodings_are_refused(client: httpx2.AsyncClient) -> None:
    response = await send(client, body("strands.bin"), content_encoding="br")
    assert (response.status_code, response.headers["accept-encoding"]) == (415, "gzip")
    assert status(response)[0] == 3


async def test_only_posts_are_taken(client: httpx2.AsyncClient) -> None:
    response = await client.get("/v1/traces")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


async def test_who_may_not_record_is_told_so_in_kind(db: Database, settings: Settings) -> None:
    _, reader = await create_key(db, role=Role.READ, projects=[], name="")
    _, writer = await create_key(db, role=Role.INGEST, projects=[], name="")
    async with serving(db, settings, is_open=False) as client:
        nobody = await send(client, body("strands.bin"))
        assert (nobody.status_code, nobody.headers["www-authenticate"], status(nobody)[0]) == (401, "Bearer", 16)
        wrong = await send(client, body("strands.json"), authorization=f"Bearer {reader}")
        assert (wrong.status_code, status(wrong)[0]) == (403, 7)
        right = await send(client, body("strands.bin"), authorization=f"Bearer {writer}")
        assert (right.status_code, right.content) == (200, b"")


async def test_a_key_of_one_project_records_there_and_nowhere_else(db: Database, settings: Settings) -> None:
    for slug in ("red", "blue"):
        await db.execute("INSERT INTO project (slug, name) VALUES ($1, $1)", slug)
    _, key = await create_key(db, role=Role.INGEST, projects=["red"], name="")
    allowed = {"authorization": f"Bearer {key}"}
    projects = "SELECT array_agg(DISTINCT p.slug) FROM run r JOIN project p ON p.id = r.project_id"
    async with serving(db, settings, is_open=False) as client:
        assert partial(await send(client, body_of(agent(1)), **allowed)) == (0, "")
        elsewhere = body_of(agent(1, trace=2), formicary__project="blue")
        assert partial(await send(client, elsewhere, **allowed)) == (
            1,
            "this API key does not reach the project 'blue'",
        )
        assert partial(await send(client, body_of(agent(1, trace=3), formicary__project="red"), **allowed)) == (0, "")
    assert await db.fetchval(projects) == ["red"]
    assert await db.fetchval("SELECT count(*) FROM otlp_trace WHERE project <> 'red'") == 0


async def test_the_resource_names_the_project_and_a_bad_name_is_told(client: httpx2.AsyncClient, db: Database) -> None:
    assert partial(await send(client, body_of(agent(1), formicary__project="shop"))) == (0, "")
    count, message = partial(await send(client, body_of(agent(1), chat(2, 1), formicary__project="no good")))
    assert (count, "'no good' is not a project" in message) == (2, True)
    assert await db.fetchval("SELECT p.slug FROM run r JOIN project p ON p.id = r.project_id") == "shop"


async def test_too_large_a_body_is_refused_however_it_comes(db: Database, settings: Settings) -> None:
    small = settings.model_copy(update={"max_body_bytes": 100_000})
    bomb = gzip.compress(bytes(50 * MANY_MB))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with serving(db, small) as client:

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(100):
                yield bytes(MANY_MB)

        for content, headers in ((bomb, {"content-encoding": "gzip"}), (chunks(), {}), (bytes(100_001), {})):
            response = await client.post("/v1/traces", content=content, headers={"content-type": PROTOBUF, **headers})
            assert response.status_code == 413
            assert status(response)[0] == 8
        assert (await send(client, body("strands.bin"))).status_code == 200
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


async def test_a_database_that_is_away_is_told_with_a_time_to_try_again(db: Database, settings: Settings) -> None:
    one = settings.model_copy(update={"pool_size": 1, "pool_timeout": 0.05})
    database = await Database.open(db.dsn, one)
    async with serving(database, one) as client, database.connection():
        response = await send(client, body("strands.bin"))
        assert (response.status_code, response.headers["retry-after"], status(response)[0]) == (503, "1", 14)
    await database.close()


async def test_spans_in_the_way_of_others_are_not_lost(client: httpx2.AsyncClient, db: Database) -> None:
    """A trace that another server holds for too long."""
    await send(client, body_of(agent(1)))
    async with db.transaction() as connection:
        await connection.execute("SELECT trace_id FROM otlp_trace FOR UPDATE")
        await connection.execute("SELECT set_config('statement_timeout', '0', true)")
        response = await impatiently(client)
    assert response is None
    assert partial(await send(client, body_of(chat(2, 1)))) == (0, "")
    assert [run["inputTokens"] for run in await recorded(client)] == [10]


async def impatiently(client: httpx2.AsyncClient) -> httpx2.Response | None:
    try:
        return await client.post(
            "/v1/traces", content=body_of(chat(2, 1)).content, headers={"content-type": PROTOBUF}, timeout=0.3
        )
    except httpx2.TimeoutException:
        return None


def hostile() -> Iterator[tuple[str, Body]]:
    many = agent(1)
    for number in range(100_000):
        many.attributes.add(key=f"gen_ai.{number}").value.int_value = number
    yield "100,000 attributes", body_of(many)
    deep = AnyValue()
    inner = deep
    for _ in range(40):
        inner = inner.array_value.values.add()
    nested = agent(1)
    nested.attributes.add(key="gen_ai.agent.name").value.CopyFrom(deep)
    yield "deep AnyValue", body_of(nested)
    late = agent(1)
    late.start_time_unix_nano = late.end_time_unix_nano = 2**64 - 1
    yield "the last nanosecond", body_of(late)
    call = chat(2, 1)
    call.start_time_unix_nano = call.end_time_unix_nano = 2**64 - 1
    yield "a call in the last nanosecond", body_of(agent(1), call)
    yield "no times", body_of(agent(1, at=-START))
    yield "not a number", body_of(agent(1), chat(2, 1, operation__cost=float("nan"), gen_ai__usage__input_tokens=1e308))
    yield "infinite", body_of(agent(1), chat(2, 1, operation__cost=float("inf")))
    yield "NUL", body_of(agent(1, agent="\0", session__id="a\0b", status=2, message="\0"), chat(2, 1))
    yield "blank", body_of(agent(1, agent=" ", name=""), chat(2, 1, gen_ai__request__model=""))
    yield "circle", body_of(agent(1, 2), agent(2, 1))
    yield "all in one span", body_of(*(agent(1, agent=f"a{number}") for number in range(2000)))
    yield "most tokens", body_of(agent(1), *(chat(n, 1, tokens=(10**12, 10**12)) for n in range(2, 50)))
    yield "metadata", body_of(agent(1, metadata='{"lc_agent_name":' + "[" * 100_000))
    for value in ('"18446744073709551616"', "1e300", '"soon"', "-5", '"--5"', '""'):
        made = as_json(request(agent(1))).content
        start = json.loads(made)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["startTimeUnixNano"]
        yield f"start {value}", Body(made.replace(f'"{start}"'.encode(), value.encode()), JSON)
    failed = as_json(request(agent(1, status=2))).content
    for value in ("18446744073709551616", "-9223372036854775809", "7"):
        yield f"status {value}", Body(failed.replace(b'"STATUS_CODE_ERROR"', value.encode()), JSON)
    tokens = as_json(request(agent(1, gen_ai__usage__input_tokens=7))).content
    for value in ("--7", "-", "7" * 41):
        yield f"number {value}", Body(tokens.replace(b'"intValue": "7"', f'"intValue": "{value}"'.encode()), JSON)
    yield "ids", Body(b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"xyz","spanId":"\xc3\xa4"}]}]}]}', JSON)


@pytest.mark.parametrize("sent", [sent for _, sent in hostile()], ids=[name for name, _ in hostile()])
async def test_whatever_a_body_holds_it_is_taken_or_refused_and_never_breaks(
    client: httpx2.AsyncClient, sent: Body
) -> None:
    response = await send(client, sent)
    assert response.status_code in (200, 400), response.content
    good = body_of(agent(1, trace=99), chat(2, 1, trace=99))
    assert partial(await send(client, good)) == (0, "")
    assert f"{99:032x}" in {run["traceId"] for run in await recorded(client)}


WHOLE = [body(file).content for file in ("strands.bin", "pydantic-ai.bin", "node-sdk-semconv.bin")]


@given(
    st.sampled_from(WHOLE), st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=4)), max_size=4), st.booleans()
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_mutated_protobuf_never_breaks(
    client: httpx2.AsyncClient, whole: bytes, edits: list[tuple[float, bytes]], cut: bool
) -> None:
    content = bytearray(whole)
    for place, put in edits:
        at = int(place * len(content))
        content[at : at + len(put)] = put
    if cut and edits:
        del content[int(edits[0][0] * len(content)) :]
    response = await send(client, Body(bytes(content)))
    assert response.status_code in (200, 400), response.content
