"""The most frequent errors, and the runs behind each."""

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.resolvers import error_groups, run_page
from formicary.resolvers.error_groups import WhichErrors
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import HOUR
from formicary.rollups.aggregate import settle

from ..ingest.factories import NOW, ago, run_input

ERRORS = [
    ("TimeoutError", "timeout after 1,203 ms"),
    ("TimeoutError", "timeout after 988 ms"),
    ("TimeoutError", "no answer"),
    ("OtherError", "timeout after 5 ms"),
    ("OtherError", "timeout after 6 ms"),
    ("OtherError", "timeout after 7 ms"),
]


async def record(db: Database) -> None:
    failed = [
        run_input(status="FAILED", startedAt=ago(60 + i).isoformat(), errorType=type_, errorMessage=message)
        for i, (type_, message) in enumerate(ERRORS)
    ]
    fine = run_input(status="SUCCEEDED", startedAt=ago(60).isoformat())
    await Recorder(db).record([*failed, fine], None)


async def test_the_runs_of_each_kind_of_error_are_as_many_as_it_says(db: Database) -> None:
    await record(db)
    range_ = ResolvedRange(NOW - 2 * HOUR, NOW)
    for _ in ("of runs", "of cells"):
        found = await error_groups.frequent(db, None, WhichErrors(range_, RunFilter(), 10))
        assert [(group.type, group.fingerprint, group.count) for group in found] == [
            ("OtherError", "timeout after <n> ms", 3),
            ("TimeoutError", "timeout after <n> ms", 2),
            ("TimeoutError", "no answer", 1),
        ]
        for group in found:
            where = RunFilter(error_type=(group.type or "",), fingerprint=(group.fingerprint,))
            assert await run_page.count(db, None, where) == group.count
        await settle(db, NOW)
