"""Spans whose parents come late or never: nothing is lost, and in the end all is as if they had come in order."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.otlp import upkeep
from formicary.rollups.fold import fold
from formicary.rollups.recompute import recompute
from formicary.worker import jobs

from .fixtures import NAMES, assert_expected, one_by_one, post, recorded, request_of
from .spans import ERROR, agent, body, chain, chat, each, span, tool

LONG = timedelta(days=1)


async def release(db: Database) -> None:
    """As if the wait were over for everything."""
    while await upkeep.release(Recorder(db), datetime.now(UTC) + LONG, timedelta(seconds=60)):
        pass


async def settle(db: Database) -> None:
    while await fold(db) or await recompute(db):
        pass


def facts(run: dict[str, Any]) -> tuple[Any, ...]:
    parent = run["parent"] and run["parent"]["spanId"]
    return run["agent"]["name"], run["status"], run["inputTokens"], run["outputTokens"], parent


async def all_facts(client: httpx2.AsyncClient) -> list[tuple[Any, ...]]:
    return [facts(run) for run in await recorded(client)]


async def test_an_agent_whose_parent_never_comes_is_a_run_after_the_wait(
    client: httpx2.AsyncClient, db: Database
) -> None:
    await post(client, body(agent(2, 1), chat(3, 2)))
    assert await recorded(client) == []
    await release(db)
    assert await all_facts(client) == [("scout", "SUCCEEDED", 10, 2, None)]
    await post(client, body(chat(4, 2)))
    assert await all_facts(client) == [("scout", "SUCCEEDED", 20, 4, None)]


async def test_the_wait_begins_with_the_first_span_that_waits(client: httpx2.AsyncClient, db: Database) -> None:
    recorder, wait = Recorder(db), timedelta(seconds=60)
    await post(client, body(agent(2, 1)))
    began = datetime.now(UTC)
    await db.execute("UPDATE otlp_trace SET waiting_since = $1", began)
    await post(client, body(chat(3, 2)))
    await upkeep.release(recorder, began + wait, wait)
    assert await recorded(client) == []
    await upkeep.release(recorder, began + wait + timedelta(microseconds=1), wait)
    assert len(await recorded(client)) == 1


async def test_a_parent_that_comes_after_the_wait_puts_its_runs_right(client: httpx2.AsyncClient, db: Database) -> None:
    same = [agent(3, 2), chat(4, 3), tool(5, 3), agent(6, 5, agent="helper", at=0.5), chat(7, 6)]
    await post(client, body(*same))
    await release(db)
    assert [run["spanId"] for run in await recorded(client)] == [f"{id_:016x}" for id_ in (3, 6)]
    await post(client, body(chain(2, 1), agent(1)))
    assert await all_facts(client) == [
        ("scout", "SUCCEEDED", 10, 2, None),
        ("helper", "SUCCEEDED", 10, 2, f"{1:016x}"),
    ]


async def test_figures_follow_what_later_spans_say(client: httpx2.AsyncClient, db: Database) -> None:
    """Also those that are stored already: of sums that grow, a status taken back, and a run that was none."""
    await post(client, body(agent(2, 1), chat(3, 2), agent(8, 9, agent="b")))
    await release(db)
    await settle(db)
    assert await figures(client) == {"scout": (1, 0, 12), "b": (1, 0, 0)}
    await post(client, body(chain(1, status=ERROR), chat(4, 2, tokens=(5, 5)), agent(9, 2, agent="scout")))
    assert await figures(client) == {"scout": (1, 1, 22), "b": (1, 0, 0)}
    await settle(db)
    assert await figures(client) == {"scout": (1, 1, 22), "b": (1, 0, 0)}
    state = await db.fetch(
        "SELECT a.name, s.last_success_at, s.consecutive_failures, s.last_error_run_id FROM agent_state s"
        " JOIN agent a ON a.id = s.agent_id ORDER BY a.name"
    )
    assert [(row["name"], row["last_success_at"] is None, row["consecutive_failures"]) for row in state] == [
        ("b", False, 0),
        ("scout", True, 1),
    ]


async def test_a_wrapper_that_came_before_its_agents_is_taken_back(client: httpx2.AsyncClient, db: Database) -> None:
    await post(client, body(agent(1, agent=None, name="flow", status=ERROR)))
    await settle(db)
    assert await figures(client) == {"flow": (1, 1, 0)}
    await post(client, body(agent(2, 1), chat(3, 2)))
    assert await all_facts(client) == [("scout", "FAILED", 10, 2, None)]
    for _ in range(2):
        assert await figures(client) == {"flow": (0, 0, 0), "scout": (1, 1, 12)}
        await settle(db)
    states = "SELECT last_active_at, last_error_run_id, consecutive_failures FROM agent_state s JOIN agent a"
    flow = await db.fetchrow(f"{states} ON a.id = s.agent_id WHERE a.name = 'flow'")
    assert tuple(flow or ()) == (None, None, 0)
    assert await db.fetchval("SELECT count(*) FROM run_key") == 1


async def figures(client: httpx2.AsyncClient) -> dict[str, tuple[int, int, int]]:
    """Of each agent: runs, failed ones, tokens."""
    query = '{ agents { nodes { name metrics(range: {last: "1d"}) { runs failed tokens { total } } } } }'
    answer = (await client.post("/graphql", json={"query": query})).json()
    assert "errors" not in answer, answer
    return {
        node["name"]: (node["metrics"]["runs"], node["metrics"]["failed"], node["metrics"]["tokens"]["total"])
        for node in answer["data"]["agents"]["nodes"]
    }


TREE = [
    chain(1, at=0.0, status=ERROR, message="boom"),
    agent(2, 1, at=0.1),
    agent(3, 2, at=0.2),
    chat(4, 3, at=0.3),
    tool(5, 3, at=0.4),
    agent(6, 5, at=0.5),
    chat(7, 6, at=0.6, tokens=(3, 3)),
    agent(8, 1, agent="second", at=0.7),
    chat(9, 8, at=0.8, tokens=None),
    span(10, 8, at=0.9),
    chat(11, 10, at=1.0, tokens=(1, 1)),
]
"""Everything that depends on other spans: a wrapper with the error, one run in two spans, a nested one, siblings."""
DONE = [
    ("scout", "FAILED", 10, 2, None),
    ("scout", "SUCCEEDED", 3, 3, f"{2:016x}"),
    ("second", "FAILED", 1, 1, None),
]


@given(st.permutations(range(len(TREE))), st.lists(st.integers(0, len(TREE)), max_size=3), st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_in_whatever_order_and_whenever_the_wait_ends_the_runs_come_to_the_same(
    client: httpx2.AsyncClient, db: Database, order: Sequence[int], releases: Sequence[int], data: st.DataObject
) -> None:
    await db.execute("TRUNCATE otlp_trace, run, run_key, run_batch, rollup_stale, run_hour, run_total, run_series")
    spans = [TREE[place] for place in order]
    for number, single in enumerate(each(spans)):
        if number in releases:
            await release(db)
            if data.draw(st.booleans(), label="folded"):
                await settle(db)
        await post(client, single)
    assert await all_facts(client) == DONE
    await settle(db)
    runs = await figures(client)
    assert (runs["scout"], runs["second"]) == ((2, 1, 18), (1, 1, 2))


@pytest.mark.parametrize("name", NAMES)
async def test_a_recording_that_is_released_after_every_span_gives_its_runs(
    client: httpx2.AsyncClient, db: Database, name: str
) -> None:
    bodies = one_by_one(request_of(name))
    random.Random(name).shuffle(bodies)
    for single in bodies:
        await post(client, single)
        await release(db)
    assert_expected(await recorded(client), name)


async def test_spans_are_let_go_by_age_and_number_and_runs_stay(client: httpx2.AsyncClient, db: Database) -> None:
    kept = "SELECT array_agg(get_byte(trace_id, 15) ORDER BY trace_id) FROM otlp_trace"
    now, day = datetime.now(UTC), timedelta(days=1)
    for trace in range(1, 5):
        await post(client, body(agent(1, trace=trace)))
    await post(client, body(agent(1, 9, trace=5)))
    await upkeep.let_go(db, now, kept=day, most_spans=5)
    assert await db.fetchval(kept) == [1, 2, 3, 4, 5]
    await upkeep.let_go(db, now, kept=day, most_spans=3)
    assert await db.fetchval(kept) == [3, 4, 5]
    await upkeep.let_go(db, now + timedelta(hours=1, minutes=1), kept=day, most_spans=3)
    assert await db.fetchval(kept) == [5]
    await upkeep.let_go(db, now, kept=day, most_spans=0)
    assert await db.fetchval(kept) == [5], "it has not been released"
    await release(db)
    await upkeep.let_go(db, now, kept=day, most_spans=0)
    assert await db.fetchval(kept) is None
    assert len(await recorded(client)) == 5


async def test_a_part_of_a_trace_that_comes_again_after_it_was_let_go_takes_nothing_away(
    client: httpx2.AsyncClient, db: Database
) -> None:
    await post(client, body(agent(1), chat(2, 1)))
    before = await recorded(client)
    await upkeep.let_go(db, datetime.now(UTC), kept=LONG, most_spans=0)
    await post(client, body(agent(1)))
    assert await recorded(client) == before
    await post(client, body(chat(2, 1)), body(agent(3, 1, agent="new", at=0.5)))
    assert [run["agent"]["name"] for run in await recorded(client)] == ["scout", "new"]
    assert (await recorded(client))[0] == before[0]


async def test_no_more_spans_of_a_trace_are_taken_than_are_kept(client: httpx2.AsyncClient, db: Database) -> None:
    most = Settings().max_trace_spans
    calls: list[Span] = [chat(number, 1, tokens=(1, 1)) for number in range(2, most)]
    await post(client, body(agent(1)), body(*calls))
    too_many = body(chat(most, 1, tokens=(1, 1)), chat(most + 1, 1, tokens=(1, 1)), chat(2, 1, tokens=(1, 1)))
    response = await client.post(
        "/v1/traces", content=too_many.content, headers={"content-type": too_many.content_type}
    )
    assert response.status_code == 200
    assert b"a trace has more than the 10000 spans that are kept of it" in response.content
    assert await all_facts(client) == [("scout", "SUCCEEDED", most - 1, most - 1, None)]
    assert await db.fetchval("SELECT span_count FROM otlp_trace") == most


async def test_the_jobs_release_and_let_go(client: httpx2.AsyncClient, db: Database, settings: Settings) -> None:
    soon = settings.model_copy(update={"span_wait": 1e-6, "max_spans": 1})
    work = {job.name: job.work for job in jobs(db, soon)}
    await post(client, body(agent(2, 1), chat(3, 2)))
    await work["waiting spans"]()
    await work["kept spans"]()
    assert await all_facts(client) == [("scout", "SUCCEEDED", 10, 2, None)]
    assert await db.fetchval("SELECT count(*) FROM otlp_trace") == 0


async def test_what_was_said_is_not_kept(client: httpx2.AsyncClient, db: Database) -> None:
    said: dict[str, Any] = {
        "gen_ai__input__messages": "SECRET",
        "input__value": "SECRET",
        "gen_ai__tool__call__arguments": "SECRET",
    }
    await post(client, body(agent(1, **said), chat(2, 1, **said), tool(3, 1, **said), span(4, 1, name="SECRET")))
    kept = await db.fetch("SELECT spans FROM otlp_trace")
    assert len(kept) == 1
    assert b"SECRET" not in kept[0]["spans"]
