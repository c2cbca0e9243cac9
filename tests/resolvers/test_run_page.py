"""Statements that are put together of branches, or sort all that is found, find what the plain condition finds."""

import math
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.models.run import RunStatus
from formicary.resolvers import run_page, runs
from formicary.resolvers.page import PageArgs
from formicary.resolvers.ranges import TimeRange
from formicary.resolvers.run_filter import RunFilter

from ..ingest.factories import run_input

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
    "seldom durations": (RunFilter(max_duration_ms=202), "duration_ms <= 202"),
    "frequent durations": (RunFilter(min_duration_ms=0), "duration_ms IS NOT NULL"),
    "seldom durations of an agent": (
        RunFilter(agent_id=(1,), min_duration_ms=110_000),
        "agent_id = 1 AND duration_ms >= 110000",
    ),
    "seldom costs": (RunFilter(min_cost=Decimal("0.12")), "cost >= 0.12"),
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


@pytest.mark.parametrize("newest_errors", [1, 40, 100_000])
async def test_runs_with_words_are_paged_through_without_gaps_wherever_they_are_found(
    loaded: Database, monkeypatch: pytest.MonkeyPatch, newest_errors: int
) -> None:
    """Among the newest errors, by the index of words, or some pages by the one and some by the other."""
    monkeypatch.setattr(run_page, "NEWEST_ERRORS", newest_errors)
    [to] = await loaded.fetchval("SELECT percentile_disc(ARRAY[0.9]) WITHIN GROUP (ORDER BY started_at) FROM run")
    range_ = TimeRange(from_=to - timedelta(days=20), to=to)
    where, args = RunFilter(error_text="connection upstr", range=range_), PageArgs(first=11)
    found: list[int] = []
    while args.after is not None or not found:
        page = await run_page.page(loaded, None, args, where, runs.NEWEST_FIRST)
        found += [run.id for run in page.items]
        assert len(found) == len(set(found))
        args = replace(args, after=page.cursor(page.items[-1]) if page.has_next else None)
    query = """SELECT id FROM run WHERE error_message LIKE 'connection to upstream-%' AND started_at >= $1
        AND started_at < $2 ORDER BY started_at DESC, id DESC"""
    assert found == [row["id"] for row in await loaded.fetch(query, range_.from_, range_.to)]
    assert len(found) > 40


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("Read of /var/lib/Some_File.txt FAILED", "read some file txt fail"),
        ("404 from https://Example.com/a?b=c&d=%C3%A9", "HTTPS example b c"),
        ("İstanbul'da ÜNİTE hatası: ÇÖKTÜ", "İSTANBUL ünite çöktü"),
        ("ΣΊΣΥΦΟΣ stopped at -1.5e-7 +12 3-4", "σίσυφος 12 4"),
        ("Straße of \N{KELVIN SIGN}elvin &amp; <tag attr='x'>", "STRASSE"),
        ("Straße of \N{KELVIN SIGN}elvin &amp; <tag attr='x'>", "straße kelvin amp tag x"),
        ("100% of 'it''s' \\d+ a.b@c.org", "100% it s d a b c org"),
    ],
)
async def test_words_are_the_same_among_the_newest_errors_and_in_the_index(
    db: Database, monkeypatch: pytest.MonkeyPatch, message: str, text: str
) -> None:
    sent = [run_input(status="FAILED", errorMessage=each) for each in (message, message, "another one")]
    await Recorder(db).record(sent)
    found = []
    for newest_errors in (1, 100):
        monkeypatch.setattr(run_page, "NEWEST_ERRORS", newest_errors)
        page = await run_page.page(db, None, PageArgs(first=1), RunFilter(error_text=text), runs.NEWEST_FIRST)
        found.append([run.id for run in page.items])
    assert found[0] == found[1]


async def test_runs_of_seldom_durations_are_paged_through_without_gaps(loaded: Database) -> None:
    where, args = RunFilter(max_duration_ms=202), PageArgs(first=7)
    found: list[int] = []
    while args.after is not None or not found:
        page = await run_page.page(loaded, None, args, where, runs.NEWEST_FIRST)
        found += [run.id for run in page.items]
        assert len(found) == len(set(found))
        args = replace(args, after=page.cursor(page.items[-1]) if page.has_next else None)
    query = "SELECT id FROM run WHERE duration_ms <= 202 ORDER BY started_at DESC, id DESC"
    assert found == [row["id"] for row in await loaded.fetch(query)]
    assert len(found) > 20


async def test_where_more_are_found_than_are_sorted_the_page_is_found_in_its_order(
    loaded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await run_page.page(loaded, None, PageArgs(first=20), RunFilter(max_duration_ms=202), runs.NEWEST_FIRST)
    monkeypatch.setattr(run_page, "MOST_SORTED", 5)
    again = await run_page.page(loaded, None, PageArgs(first=20), RunFilter(max_duration_ms=202), runs.NEWEST_FIRST)
    assert again.items == page.items
    assert len(page.items) == 20


@pytest.mark.parametrize("column", ["duration_ms", "cost"])
async def test_what_is_frequent_is_told_from_what_may_be_seldom(loaded: Database, column: str) -> None:
    table = await loaded.fetchval("SELECT tableoid::regclass::text FROM run GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    quartiles = f"SELECT percentile_disc(ARRAY[0.0, 0.5, 1.0]) WITHIN GROUP (ORDER BY {column}) FROM {table}"
    least, middle, most = map(float, await loaded.fetchval(quartiles))

    async def is_frequent(least: float, most: float) -> object:
        return await loaded.fetchval(run_page.IS_FREQUENT, table, column, least, most)

    assert await is_frequent(0, middle) is True
    assert await is_frequent(middle, math.inf) is True
    assert await is_frequent(-1, least - 1e-9) is False
    assert await is_frequent(most + 1, math.inf) is False
    assert await loaded.fetchval(run_page.IS_FREQUENT, "run_nowhere", column, 0.0, math.inf) is None
