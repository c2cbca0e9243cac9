"""How the statements of a snapshot are planned."""

from datetime import timedelta

import pytest

from formicary.db import Database
from formicary.resolvers.question import Question, Source
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.reading import snapshot
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import DAY, HOUR

from ..ingest.factories import NOW

PROCESSES = "SHOW max_parallel_workers_per_gather"


def last(length: timedelta) -> ResolvedRange:
    return ResolvedRange(NOW - length, NOW)


@pytest.mark.parametrize(
    ("question", "is_spread"),
    [
        (Question(last(30 * DAY)), False),
        (Question(last(HOUR), source=Source.REALTIME), False),
        (Question(last(30 * DAY), source=Source.REALTIME), True),
        (Question(last(30 * DAY), RunFilter(user=("u",))), True),
    ],
)
async def test_only_what_takes_very_many_runs_is_spread_over_processes(
    question: Question, is_spread: bool, db: Database
) -> None:
    usual = await db.fetchval(PROCESSES)
    async with snapshot(db, question) as found:
        assert await found.connection.fetchval(PROCESSES) == (usual if is_spread else "0")
    assert await db.fetchval(PROCESSES) == usual != "0"
