"""Statements that are put together of branches find what the plain condition finds."""

import pytest

from formicary.db import Database
from formicary.models.run import RunStatus
from formicary.resolvers import run_page, runs
from formicary.resolvers.page import PageArgs
from formicary.resolvers.run_filter import RunFilter

FILTERS = {
    "statuses": (
        RunFilter(status=(RunStatus.TIMED_OUT, RunStatus.FAILED, RunStatus.FAILED)),
        "status IN (3, 5)",
    ),
    "more versions than are branched": (
        RunFilter(version=("1.0.0",)),
        "version_id IN (SELECT id FROM agent_version WHERE version = '1.0.0')",
    ),
    "few agents": (RunFilter(agent_id=(1, 150, 2, 150)), "agent_id IN (1, 2, 150)"),
    "some agents": (RunFilter(agent_id=tuple(range(1, 11))), "agent_id BETWEEN 1 AND 10"),
    "more agents than are branched": (RunFilter(agent_id=tuple(range(130, 200))), "agent_id BETWEEN 130 AND 199"),
    "error text common": (RunFilter(error_text="timeout after"), "error_message LIKE 'timeout after %'"),
    "error text": (RunFilter(error_text="connection upstr"), "error_message LIKE 'connection to upstream-%'"),
    "durations": (RunFilter(min_duration_ms=5_000.5, max_duration_ms=5_100.5), "duration_ms BETWEEN 5001 AND 5100"),
}


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("name", FILTERS)
async def test_a_page_holds_the_first_runs_that_meet_the_condition(loaded: Database, name: str, last: bool) -> None:
    where, condition = FILTERS[name]
    args = PageArgs(last=70) if last else PageArgs(first=70)
    page = await run_page.page(loaded, None, args, where, runs.NEWEST_FIRST)
    direction = "ASC" if last else "DESC"
    query = f"SELECT id FROM run WHERE {condition} ORDER BY started_at {direction}, id {direction} LIMIT 70"
    expected = [row["id"] for row in await loaded.fetch(query)]
    assert [run.id for run in page.items] == (expected[::-1] if last else expected)
    assert len(expected) > 10
