"""The total of a list is what figures say, what counting gives, and what the pages of the list hold together."""

from dataclasses import replace
from datetime import timedelta

import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.resolvers import error_groups, figures, run_page
from formicary.resolvers.error_groups import WhichErrors
from formicary.resolvers.page import PageArgs
from formicary.resolvers.question import Question, Source
from formicary.resolvers.ranges import ResolvedRange, TimeRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.run_total import Total, total
from formicary.resolvers.runs import NEWEST_FIRST
from formicary.rollups.aggregate import settle
from formicary.rollups.retention import expire_runs

from ..ingest.factories import NOW, ago, run_input
from .oracle import week

LAST_DAYS = TimeRange(from_=ago(3 * 24 * 3600), to=NOW)
LONG_AGO = week(NOW) - timedelta(days=10) + timedelta(minutes=30)
EVER = TimeRange(from_=LONG_AGO - timedelta(days=1), to=NOW)

TIMED_OUT = {"status": "FAILED", "errorType": "TimeoutError", "errorMessage": "no answer within 30 s"}
MIXED = (
    {"model": "m-1", "provider": "north", "userId": "u", "sessionId": "s", "initiator": "cron"},
    {"model": "m-1", "provider": "north", **TIMED_OUT},
    {"model": "m-2", **TIMED_OUT, "errorMessage": "no answer within 7 s"},
    {"provider": "south", "status": "FAILED", "errorMessage": "no answer within 8 s"},
    {"status": "FAILED", "errorType": "TimeoutError"},
    {"status": "FAILED"},
    {"userId": "u", "errorType": "TimeoutError", "errorMessage": "no answer within 9 s"},
)
"""Some state nothing but what failed, some not even that; the last one succeeded in the end."""


CASES = (
    (RunFilter(), 7),
    (RunFilter(model=("",)), 4),
    (RunFilter(model=("", "m-2")), 5),
    (RunFilter(provider=("",)), 4),
    (RunFilter(provider=("", "south"), model=("",)), 4),
    (RunFilter(error_type=("",)), 3),
    (RunFilter(error_type=("TimeoutError",)), 4),
    (RunFilter(user=("",)), 5),
    (RunFilter(session=("",)), 6),
    (RunFilter(initiator=("", "cron")), 7),
    (RunFilter(fingerprint=("no answer within <n> s",)), 3),
    (RunFilter(fingerprint=("no answer within <n> s",), error_type=("TimeoutError",)), 2),
    (RunFilter(fingerprint=("no answer within <n> s",), error_type=("",)), 1),
    (RunFilter(fingerprint=("",)), 1),
    (RunFilter(fingerprint=("",), user=("u",)), 0),
)


async def record(db: Database, *runs: dict[str, str], seconds: float = 2 * 3600) -> None:
    inputs = [run_input(**{"startedAt": ago(seconds + place).isoformat(), **run}) for place, run in enumerate(runs)]
    await Recorder(db).record(inputs, None)


@pytest.mark.parametrize("is_folded", [True, False], ids=["folded", "not folded"])
async def test_total_is_that_of_counting_of_the_list_and_of_figures(db: Database, is_folded: bool) -> None:
    await record(db, *MIXED)
    if is_folded:
        await settle(db, NOW)
    for where, runs in CASES:
        ranged = replace(where, range=LAST_DAYS)
        listed = await run_page.page(db, None, PageArgs(first=100), ranged, NEWEST_FIRST)
        counted = await run_page.count(db, None, ranged)
        assert (await total(db, None, ranged), counted, len(listed.items)) == (Total(runs), runs, runs), where


@pytest.mark.parametrize("where", [RunFilter(model=("",)), RunFilter(error_type=("", "TimeoutError"))])
async def test_stored_and_counted_figures_of_runs_that_state_none_agree(db: Database, where: RunFilter) -> None:
    await record(db, *MIXED)
    await settle(db, NOW)
    asked = Question(ResolvedRange(ago(24 * 3600), NOW), where)
    stored, counted = [
        (await figures.read(db, None, replace(asked, source=source))).metrics().runs
        for source in (Source.STORED, Source.REALTIME)
    ]
    assert stored == counted > 0


async def test_each_kind_of_error_has_as_many_runs_as_its_list(db: Database) -> None:
    await record(db, *MIXED)
    range_ = ResolvedRange(ago(24 * 3600), NOW)
    groups = await error_groups.frequent(db, None, WhichErrors(range_, RunFilter(), 10))
    assert sum(group.count for group in groups) == 4
    for group in groups:
        kind = RunFilter(fingerprint=(group.fingerprint,), error_type=(group.type or "",))
        assert await error_groups.count(db, None, range_, kind) == group.count
        ranged = replace(kind, range=TimeRange(from_=range_.from_, to=range_.to))
        assert (await total(db, None, ranged)).runs == group.count


async def test_fingerprint_of_a_message_is_that_of_the_runs_with_it(db: Database) -> None:
    assert await error_groups.fingerprint(db, "no answer within 30 s") == "no answer within <n> s"


@pytest.mark.parametrize("field", ["session", "user"])
async def test_many_values_one_of_which_stands_for_none_are_listed(db: Database, field: str) -> None:
    await record(db, *MIXED)
    values = ("", *(f"other {number}" for number in range(30)))
    listed = await run_page.page(db, None, PageArgs(), RunFilter(**{field: values}), NEWEST_FIRST)  # type: ignore[arg-type]
    assert len(listed.items) == {"session": 6, "user": 5}[field]


async def test_total_tells_how_many_runs_have_been_dropped(db: Database) -> None:
    await record(db, {"model": "m"}, {"model": "m", "userId": "u"}, seconds=60)
    await record(db, {"model": "m", "userId": "u"}, TIMED_OUT, seconds=(NOW - LONG_AGO).total_seconds())
    await settle(db, NOW)
    await expire_runs(db, week(NOW))
    for where, runs, dropped in (
        (RunFilter(), 4, 2),
        (RunFilter(model=("m",)), 3, 1),
        (RunFilter(fingerprint=("no answer within <n> s",)), 1, 1),
        (RunFilter(user=("u",)), 1, None),
    ):
        assert await total(db, None, replace(where, range=EVER)) == Total(runs, dropped, week(NOW))
    recent = TimeRange(from_=max(week(NOW), ago(24 * 3600)), to=NOW)
    assert await total(db, None, RunFilter(range=recent)) == Total(2)


async def test_runs_that_a_run_has_called_are_found_by_its_name(db: Database) -> None:
    caller = {"agent": "caller", "externalId": "c-1"}
    called = {"agent": "called", "parent": caller}
    await record(db, caller, called, called, {"agent": "called"})  # type: ignore[arg-type]
    agent_id = await db.fetchval("SELECT id FROM agent WHERE name = 'caller'")
    assert await total(db, None, RunFilter(parent=(agent_id, "c-1"), range=LAST_DAYS)) == Total(2)
    assert await total(db, None, RunFilter(parent=(agent_id, "c-2"), range=LAST_DAYS)) == Total(0)
