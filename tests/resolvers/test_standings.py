"""Providers and models beside each other: what is told of each agrees with figures that are asked for one by one."""

import pytest

from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.resolvers import figures, run_page, standings
from formicary.resolvers.question import Dimension, Question, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import HOUR, Bucket, floor
from formicary.resolvers.standings import ErrorCount, Standing, Standings, WhichStandings
from formicary.rollups.aggregate import settle

from ..ingest.factories import NOW, run_input

RANGE = ResolvedRange(floor(NOW, HOUR) - 5 * HOUR, floor(NOW, HOUR))

RUNS = (
    ("north", "n-1", 1, None),
    ("north", "n-1", 1, "TimeoutError"),
    ("north", "n-2", 2, "TimeoutError"),
    ("north", "n-2", 3, "RateLimitError"),
    ("south", "s-1", 3, None),
    ("south", "s-1", 4, ""),
    (None, None, 2, "TimeoutError"),
    ("east", "e-1", 3, None),
)
"""Provider, model, hours before the end of the range, and the type of error of those that failed."""


async def record(db: Database) -> None:
    runs = [
        run_input(
            provider=provider,
            model=model,
            startedAt=(RANGE.to - hours * HOUR).isoformat(),
            durationMs=100 * hours,
            cost=str(hours),
            status="SUCCEEDED" if error is None else "FAILED",
            errorType=error or None,
        )
        for provider, model, hours, error in RUNS
    ]
    await Recorder(db).record(runs, None)


async def read(db: Database, by: Dimension = Dimension.PROVIDER, *, first: int = 20, drawn: int = 4) -> Standings:
    which = WhichStandings(by=by, range=RANGE, bucket=Bucket.HOUR, first=first, drawn=drawn)
    return await standings.read(db, None, which)


def by_name(found: Standings) -> dict[str, Standing]:
    return {row.name: row for row in found.rows}


@pytest.mark.parametrize("is_folded", [False, True])
@pytest.mark.parametrize("by", [Dimension.PROVIDER, Dimension.MODEL])
async def test_each_has_the_figures_of_its_runs(db: Database, by: Dimension, *, is_folded: bool) -> None:
    await record(db)
    if is_folded:
        await settle(db, NOW)
    found = await read(db, by)
    assert sum(row.share for row in found.rows) == pytest.approx(1)
    for row in found.rows:
        if row.name:
            name = (row.name,)
            where = RunFilter(provider=name) if by is Dimension.PROVIDER else RunFilter(model=name)
            asked = figures.read(db, None, Question(RANGE, where, wants=Wants(durations=True)))
            expected = (await asked).metrics()
            assert (row.metrics.runs, row.metrics.success_rate) == (expected.runs, expected.success_rate)
            assert row.metrics.cost == expected.cost
            assert row.metrics.latency
            assert expected.latency
            assert row.metrics.latency.p95_ms == expected.latency.p95_ms


@pytest.mark.parametrize("is_folded", [False, True])
async def test_errors_are_told_by_type_the_most_frequent_first(db: Database, *, is_folded: bool) -> None:
    await record(db)
    if is_folded:
        await settle(db, NOW)
    rows = by_name(await read(db))
    assert rows["north"].errors == [ErrorCount("TimeoutError", 2), ErrorCount("RateLimitError", 1)]
    assert rows["south"].errors == [ErrorCount("", 1)]
    assert rows["east"].errors == []
    assert rows[""].errors == [ErrorCount("TimeoutError", 1)]


async def test_the_runs_behind_an_error_are_as_many_as_it_says(db: Database) -> None:
    await record(db)
    rows = by_name(await read(db))
    for error in rows["north"].errors:
        where = RunFilter(provider=("north",), error_type=(error.type,))
        assert await run_page.count(db, None, where) == error.runs


async def test_what_has_no_course_of_its_own_is_in_that_of_the_others(db: Database) -> None:
    await record(db)
    found = await read(db, drawn=1)
    (north,) = found.courses
    assert north.name == "north"
    assert [point.metrics.runs for point in north.points] == [0, 0, 1, 1, 2]
    assert [point.metrics.runs for point in found.others.points] == [0, 1, 2, 1, 0]
    assert [point.metrics.failed for point in found.others.points] == [0, 1, 0, 1, 0]


async def test_shares_are_of_all_also_where_the_rows_are_cut(db: Database) -> None:
    await record(db)
    found = await read(db, first=2)
    assert [(row.name, row.share) for row in found.rows] == [("north", 0.5), ("south", 0.25)]
    assert found.is_cut


async def test_without_runs_there_is_nothing_to_tell(db: Database) -> None:
    found = await read(db)
    assert found.rows == []
    assert found.courses == []
    assert [point.metrics.runs for point in found.others.points] == [0] * 5


async def test_all_of_it_is_read_by_five_statements(db: Database, statements: list[str]) -> None:
    await record(db)
    statements.clear()
    await read(db)
    assert len(statements) <= 5
