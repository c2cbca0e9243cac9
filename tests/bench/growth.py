"""Whether a figure of seven days takes longer the more runs there are: at up to fifty million.

It is measured when it is asked for (`--only growth`): the largest takes half an hour, and 90 GB for the while.
"""

import asyncio
from datetime import UTC, datetime

from formicary.embedded import EmbeddedPostgres

from .aggregates import milliseconds_of_a_week
from .figures import Report, Table
from .loaded import loaded
from .server import scratch

RUNS = (500_000, 5_000_000, 50_000_000)
QUICK_RUNS = (50_000, 200_000)


def measure(*, quick: bool) -> Report:
    report, table = Report("growth"), Table("One agent's 7 days with percentiles", ["runs", "ms"])
    for number in QUICK_RUNS if quick else RUNS:
        with scratch() as directory, EmbeddedPostgres(directory / "data", fsync=False) as postgres:
            table.rows.append([number, asyncio.run(_of(postgres.dsn, number))])
    report.tables.append(table)
    return report


async def _of(dsn: str, number: int) -> float:
    until = datetime.now(UTC)
    async with loaded(dsn, number, until) as found:
        return await milliseconds_of_a_week(found.db, until)
