"""Runs read back: every field, every filter, every order, and pages that stay right."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from formicary.db import Database
from formicary.resolvers import run_page
from formicary.resolvers.page import Cursor

from .conftest import Ask

START = datetime(2026, 11, 1, tzinfo=UTC)

EVERYTHING = {
    "agent": "planner",
    "project": "shop",
    "version": "1.0.3",
    "externalId": "order-7",
    "status": "FAILED",
    "queuedAt": "2026-11-01T11:59:00Z",
    "startedAt": "2026-11-01T12:00:00Z",
    "endedAt": "2026-11-01T12:00:02.500Z",
    "model": "gpt-4o",
    "provider": "openai",
    "models": ["gpt-4o", "gpt-4o-mini"],
    "tools": ["search", "write"],
    "inputTokens": 1000,
    "outputTokens": 200,
    "cachedInputTokens": 100,
    "timeToFirstTokenMs": 312,
    "cost": "0.001250",
    "errorType": "RateLimitError",
    "errorMessage": "api.openai.com answered 429: slow down",
    "initiator": "cron",
    "taskId": "task-1",
    "traceId": "trace-1",
    "spanId": "span-1",
    "sessionId": "session-1",
    "userId": "user-1",
    "inputLength": 4000,
    "outputLength": 800,
    "filesCreated": 1,
    "filesModified": 2,
    "messages": 3,
    "pheromoneScore": 0.75,
    "metadata": {"ticket": {"id": 17}},
}

ALL_FIELDS = """fragment All on Run {
    agent { name project { slug } } version { version } externalId status queuedAt startedAt endedAt durationMs
    model provider models tools inputTokens outputTokens totalTokens cachedInputTokens timeToFirstTokenMs
    cost costSource
    error { type message at run { externalId } }
    initiator taskId traceId spanId parent { externalId } sessionId userId
    inputLength outputLength filesCreated filesModified messages pheromoneScore metadata
}"""

LIST = """query ($filter: RunFilter, $orderBy: RunOrder) {
    runs(filter: $filter, orderBy: $orderBy) { nodes { externalId } }
}"""


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


async def listed(ask: Ask, **variables: object) -> list[str]:
    return [run["externalId"] for run in (await ask(LIST, **variables))["runs"]["nodes"]]


async def test_a_run_reads_back_as_it_was_recorded(ask: Ask, record: Ask) -> None:
    payload = await record(EVERYTHING)
    data = await ask(f"query ($id: ID!) {{ node(id: $id) {{ ...All }} }} {ALL_FIELDS}", id=payload["runs"][0]["id"])
    given = {name: value for name, value in EVERYTHING.items() if not name.startswith("error") and name != "project"}
    assert data["node"] == {
        **given,
        "agent": {"name": "planner", "project": {"slug": "shop"}},
        "version": {"version": "1.0.3"},
        "endedAt": "2026-11-01T12:00:02.500000Z",
        "durationMs": 2500,
        "totalTokens": 1200,
        "costSource": "REPORTED",
        "parent": None,
        "error": {
            "type": "RateLimitError",
            "message": "api.openai.com answered 429: slow down",
            "at": "2026-11-01T12:00:02.500000Z",
            "run": {"externalId": "order-7"},
        },
    }


async def test_what_nobody_said_is_null_or_empty(ask: Ask, record: Ask) -> None:
    payload = await record({"startedAt": at(0)})
    data = await ask(f"query ($id: ID!) {{ node(id: $id) {{ ...All }} }} {ALL_FIELDS}", id=payload["runs"][0]["id"])
    said = {name: value for name, value in data["node"].items() if value is not None}
    assert said == {
        "agent": {"name": "planner", "project": {"slug": "default"}},
        "version": {"version": "unversioned"},
        "status": "SUCCEEDED",
        "startedAt": "2026-11-01T00:00:00Z",
        "models": [],
        "tools": [],
        "costSource": "UNKNOWN",
        "messages": 1,
        "metadata": {},
    }


async def test_a_parent_shows_once_it_is_recorded(ask: Ask, record: Ask) -> None:
    await record({"externalId": "child", "parent": {"agent": "boss", "externalId": "order-7"}})
    query = '{ runs(filter: {agent: ["planner"]}) { nodes { parent { agent { name } } } } }'
    assert (await ask(query))["runs"]["nodes"] == [{"parent": None}]
    await record({"agent": "boss", "externalId": "order-7"})
    assert (await ask(query))["runs"]["nodes"] == [{"parent": {"agent": {"name": "boss"}}}]


MATCHING: list[dict[str, Any]] = [
    {"project": "shop"},
    {"agent": ["planner"], "project": "shop"},
    {"agent": ["planner", "nobody"], "project": "shop"},
    {"version": ["1.0.3"]},
    {"version": ["1.0.3", "9"]},
    {"version": ["1.0.3"], "agent": ["planner"]},
    {"status": ["FAILED"]},
    {"status": ["FAILED", "TIMED_OUT"]},
    {"model": ["gpt-4o"]},
    {"model": ["gpt-4o", "none"]},
    {"provider": ["openai"]},
    {"initiator": ["cron"]},
    {"user": ["user-1"]},
    {"user": ["user-1", "user-2"]},
    {"session": ["session-1"]},
    {"traceId": "trace-1"},
    {"taskId": "task-1"},
    {"externalId": ["order-7"]},
    {"externalId": ["order-7", "order-8"], "agent": ["planner"]},
    {"errorType": ["RateLimitError"]},
    {"errorText": "429"},
    {"errorText": "OpenAI slow"},
    {"errorText": "api.openai.com"},
    {"errorText": "answ"},
    {"errorText": "429 answ"},
    {"tool": ["write"]},
    {"tool": ["nothing", "search"]},
    {"minDurationMs": 2500},
    {"maxDurationMs": 2500},
    {"minDurationMs": 2000, "maxDurationMs": 3000},
    {"minCost": "0.00125"},
    {"range": {"from": "2026-11-01T12:00:00Z", "to": "2026-11-01T12:00:01Z"}},
    {"range": {"last": "400d"}, "project": "shop"},
    {
        "project": "shop",
        "status": ["FAILED"],
        "user": ["user-1", "user-2"],
        "model": ["gpt-4o", "x"],
        "errorText": "slow",
        "tool": ["write"],
        "minDurationMs": 1,
        "range": {"from": "2026-11-01T00:00:00Z"},
    },
]
OTHERS: list[dict[str, Any]] = [
    {"project": "no-such-project"},
    {"agent": ["nobody"]},
    {"agentId": []},
    {"version": ["1.0"]},
    {"status": ["CANCELLED"]},
    {"status": []},
    {"model": ["gpt-4"]},
    {"traceId": "trace"},
    {"externalId": ["order"]},
    {"errorText": "429 quota"},
    {"errorText": "nswered"},
    {"errorText": "answ 429"},
    {"errorText": "'); DROP TABLE run; --"},
    {"tool": ["sear"]},
    {"minDurationMs": 2500.5},
    {"maxDurationMs": 2499.5},
    {"maxDurationMs": -1},
    {"minCost": "0.0012500001"},
    {"range": {"to": "2026-11-01T12:00:00Z", "from": "2026-11-01T11:00:00Z"}},
    {"range": {"from": "2026-11-01T12:00:00.000001Z", "to": "2026-11-01T13:00:00Z"}},
]


@pytest.mark.parametrize("filter_", MATCHING, ids=str)
async def test_a_filter_finds_what_matches_and_nothing_else(filter_: dict[str, Any], ask: Ask, record: Ask) -> None:
    await record(EVERYTHING, {"externalId": "plain", "startedAt": at(-60), "project": "other"})
    query = "query ($filter: RunFilter) { runs(filter: $filter) { nodes { externalId } totalCount } }"
    assert (await ask(query, filter=filter_))["runs"] == {"nodes": [{"externalId": "order-7"}], "totalCount": 1}


@pytest.mark.parametrize("filter_", OTHERS, ids=str)
async def test_a_filter_that_nothing_matches_gives_an_empty_list(
    filter_: dict[str, Any], ask: Ask, record: Ask
) -> None:
    await record(EVERYTHING)
    query = "query ($filter: RunFilter) { runs(filter: $filter) { nodes { externalId } totalCount } }"
    assert (await ask(query, filter=filter_))["runs"] == {"nodes": [], "totalCount": 0}


@pytest.mark.parametrize(
    "message",
    ["त्रुटि", "e\u0301chec", "ΌΣΟΣ", "🙂boom", "İstanbul", "it's", "C:\\tmp\\x", "a_b-c/d.e", "-1.5e3", "x@y.example"],
)
async def test_an_error_is_found_by_its_own_text(message: str, ask: Ask, record: Ask) -> None:
    await record({"externalId": "x", "status": "FAILED", "errorMessage": message}, {"errorMessage": "other"})
    assert await listed(ask, filter={"errorText": message}) == ["x"]
    assert await listed(ask, filter={"errorText": f"{message} missing"}) == []


@pytest.mark.parametrize("text", ["", " . ", "!!!"])
async def test_an_error_text_without_a_word_does_not_narrow(text: str, ask: Ask, record: Ask) -> None:
    await record({"externalId": "x"})
    assert await listed(ask, filter={"errorText": text}) == ["x"]


@pytest.mark.parametrize(
    ("recorded", "newest_errors", "statements_for_the_page"), [(3, 1000, 1), (2, 1000, 1), (3, 1, 2), (2, 1, 4)]
)
async def test_words_are_looked_for_among_the_newest_errors_then_in_the_last_weeks(
    recorded: int,
    newest_errors: int,
    statements_for_the_page: int,
    ask: Ask,
    record: Ask,
    statements: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_page, "NEWEST_ERRORS", newest_errors)
    old = {"externalId": "old", "startedAt": "2026-01-01T00:00:00Z", "errorMessage": "no answer"}
    await record(old, *({"externalId": f"{n}", "errorMessage": "no answer"} for n in range(recorded)))
    statements.clear()
    query = '{ runs(first: 2, filter: {errorText: "no answer"}) { nodes { externalId } pageInfo { hasNextPage } } }'
    page = (await ask(query))["runs"]
    assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"]) == (2, True)
    assert sum("FROM run r" in sql for sql in statements) == statements_for_the_page


async def test_runs_of_an_agent_by_its_id(ask: Ask, record: Ask) -> None:
    await record({"externalId": "a"}, {"agent": "other", "externalId": "b"})
    agent = (await ask('{ agent(name: "other") { id } }'))["agent"]
    assert await listed(ask, filter={"agentId": [agent["id"]]}) == ["b"]


@pytest.mark.parametrize(
    ("filter_", "said"),
    [
        ({"range": {"from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}}, "`from`"),
        ({"range": {"last": "401d"}}, "401 days are more than the 400"),
        ({"range": {"last": "-5"}}, "not a duration"),
        ({"range": {"last": "1d", "to": "2026-11-01T00:00:00Z"}}, "either"),
        ({"range": {}}, "`last`"),
        ({"agentId": ["UnVuOjE6MQ"]}, "not the id of an Agent"),
        ({"agentId": ["?"]}, "not the id of an Agent"),
        ({"errorText": "x" * 201}, "filter.errorText"),
        ({"user": ["u"] * 1001}, "filter.user"),
        ({"minCost": "cheap"}, "not a decimal"),
        ({"minCost": "0E+999999999"}, "filter.minCost"),
        ({"minCost": "1e-999999999"}, "filter.minCost"),
        ({"minCost": "1e999999999"}, "filter.minCost"),
        ({"range": {"from": "0001-01-01T00:00:00+14:00", "to": "0001-01-01T00:00:00+14:00"}}, "range.from"),
        ({"range": {"from": "9999-12-31T23:00:00Z", "to": "9999-12-31T23:59:59-14:00"}}, "range.to"),
    ],
    ids=str,
)
async def test_a_filter_that_makes_no_sense_is_refused_by_name(filter_: dict[str, Any], said: str, answer: Ask) -> None:
    result = await answer(LIST, filter=filter_)
    assert said in result.errors[0]["message"]
    assert result.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_text_with_a_nul_character_is_refused_and_not_a_fault(answer: Ask) -> None:
    result = await answer(LIST, filter={"user": ["a\0b"]})
    assert result.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


ORDERED = [
    {"externalId": "a", "startedAt": at(1), "durationMs": 30, "cost": "0.3", "totalTokens": 2},
    {"externalId": "b", "startedAt": at(2), "durationMs": 10, "totalTokens": 3},
    {"externalId": "c", "startedAt": at(3), "cost": "0.1", "totalTokens": 1},
    {"externalId": "d", "startedAt": at(4), "durationMs": 20, "cost": "0.2"},
]


@pytest.mark.parametrize(
    ("field", "ascending"), [("STARTED", "abcd"), ("DURATION", "cbda"), ("COST", "bcda"), ("TOKENS", "dcab")]
)
async def test_every_order_goes_both_ways_and_unknown_counts_as_least(
    field: str, ascending: str, ask: Ask, record: Ask
) -> None:
    await record(*ORDERED)
    assert await listed(ask, orderBy={"field": field, "direction": "ASC"}) == list(ascending)
    assert await listed(ask, orderBy={"field": field}) == list(reversed(ascending))


PAGE = """query ($first: Int, $after: String, $last: Int, $before: String, $orderBy: RunOrder, $filter: RunFilter) {
    runs(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, filter: $filter) {
        edges { cursor node { externalId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
}"""


async def walk(ask: Ask, *, backward: bool, **variables: object) -> list[list[str]]:
    """The pages of two, from the start or from the end."""
    pages, cursor = [], None
    while True:
        window = {"last": 2, "before": cursor} if backward else {"first": 2, "after": cursor}
        found = (await ask(PAGE, **window, **variables))["runs"]
        pages.append([edge["node"]["externalId"] for edge in found["edges"]])
        info = found["pageInfo"]
        if not info["hasPreviousPage" if backward else "hasNextPage"]:
            return pages
        cursor = info["startCursor" if backward else "endCursor"]


@pytest.mark.parametrize("field", ["STARTED", "DURATION", "COST", "TOKENS"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_pages_forward_and_backward_hold_each_run_once(field: str, direction: str, ask: Ask, record: Ask) -> None:
    await record(*ORDERED, {"externalId": "e", "startedAt": at(4)})
    order = {"field": field, "direction": direction}
    whole = await listed(ask, orderBy=order)
    assert [run for page in await walk(ask, backward=False, orderBy=order) for run in page] == whole
    assert [run for page in reversed(await walk(ask, backward=True, orderBy=order)) for run in page] == whole


@pytest.mark.parametrize("filter_", [{"user": ["u1", "u2"]}, {"agent": ["planner", "other"]}, {"version": ["1", "2"]}])
async def test_pages_over_several_values_hold_each_run_once(filter_: dict[str, Any], ask: Ask, record: Ask) -> None:
    await record(
        *(
            {
                "externalId": f"{n}",
                "startedAt": at(n // 2),
                "userId": f"u{n % 3}",
                "agent": ["planner", "other", "third"][n % 3],
                "version": f"{n % 3}",
            }
            for n in range(12)
        )
    )
    whole = await listed(ask, filter=filter_)
    assert len(whole) == 8
    assert [run for page in await walk(ask, backward=False, filter=filter_) for run in page] == whole
    assert [run for page in reversed(await walk(ask, backward=True, filter=filter_)) for run in page] == whole


async def test_a_page_goes_on_where_it_ended_while_runs_come_in(ask: Ask, record: Ask) -> None:
    await record(*ORDERED)
    first = (await ask(PAGE, first=2))["runs"]
    await record({"externalId": "newer", "startedAt": at(9)}, {"externalId": "older", "startedAt": at(0)})
    second = (await ask(PAGE, first=9, after=first["pageInfo"]["endCursor"]))["runs"]
    assert [edge["node"]["externalId"] for edge in first["edges"]] == ["d", "c"]
    assert [edge["node"]["externalId"] for edge in second["edges"]] == ["b", "a", "older"]


@pytest.mark.parametrize(
    ("window", "said"),
    [
        ({"first": 1, "last": 1}, "either `first` or `last`"),
        ({"first": -1}, "first: -1 is not between 0 and 500"),
        ({"first": 501}, "first: 501 is not between 0 and 500"),
        ({"after": "garbage!"}, "after: 'garbage!' is not a cursor"),
        ({"before": "WyJOQU1FIEFTQyIsImEiLDFd"}, "another order"),
        ({"after": "WyJTVEFSVEVEIERFU0MiLCJ4IiwxXQ"}, "damaged"),
    ],
)
async def test_a_window_that_makes_no_sense_is_refused_by_name(window: dict[str, Any], said: str, answer: Ask) -> None:
    result = await answer(PAGE, **window)
    assert said in result.errors[0]["message"]
    assert result.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("STARTED", "0001-01-01T00:00:00+14:00"),
        ("STARTED", "9999-12-31T23:59:59-14:00"),
        ("STARTED", "2026-01-01T00:00:00"),
        ("DURATION", "99999999999999999999"),
        ("TOKENS", "-99999999999999999999"),
        ("COST", "1e999999999"),
        ("COST", "1e-999999999"),
        ("COST", "NaN"),
    ],
)
async def test_a_cursor_that_no_list_gave_is_refused(field: str, value: str, answer: Ask) -> None:
    result = await answer(PAGE, after=str(Cursor(f"{field} DESC", value, 1)), orderBy={"field": field})
    assert result.errors[0]["message"] == "after: the cursor is damaged."
    assert result.errors[0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_an_empty_window_is_a_page_without_cursors(ask: Ask, record: Ask) -> None:
    await record(*ORDERED)
    assert (await ask(PAGE, first=0))["runs"] == {
        "edges": [],
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


async def test_runs_are_counted_only_when_somebody_asks(ask: Ask, statements: list[str]) -> None:
    await ask("{ runs { nodes { id } } }")
    assert not any("count(*)" in sql for sql in statements)
    await ask("{ runs { totalCount } }")
    assert any("count(*)" in sql for sql in statements)


async def test_one_run_by_id_is_one_statement(ask: Ask, record: Ask, statements: list[str]) -> None:
    payload = await record(EVERYTHING)
    statements.clear()
    await ask("query ($id: ID!) { node(id: $id) { ... on Run { externalId } } }", id=payload["runs"][0]["id"])
    assert len(statements) == 1


async def test_a_run_that_moved_in_time_keeps_its_id(ask: Ask, record: Ask, db: Database) -> None:
    first = await record({"externalId": "x", "status": "QUEUED", "queuedAt": at(0)})
    await record({"externalId": "x", "startedAt": at(60 * 24 * 10), "durationMs": 1})
    data = await ask("query ($id: ID!) { node(id: $id) { ... on Run { status } } }", id=first["runs"][0]["id"])
    assert data["node"] == {"status": "SUCCEEDED"}
    assert await db.fetchval("SELECT count(*) FROM run") == 1
