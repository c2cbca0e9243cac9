"""Reading at millions of runs: the time that PostgreSQL takes for each question that the API can ask.

The statements are the resolvers' own. Database time is planning plus execution as EXPLAIN ANALYZE has them, the
median of several. The round trip is of the same statement on a connection that has executed it often: were it
planned for any values by then, it would show here.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import asyncpg
from pydantic import SecretStr

import formicary_migrations
from formicary.config import Settings
from formicary.db import Database
from formicary.embedded import EmbeddedPostgres

from . import dataset
from .figures import Measure, Report, Table
from .questions import BEYOND, BY_ID, Question, questions
from .server import scratch

RUNS = 5_000_000
QUICK_RUNS = 200_000
TARGET_MS = 5.0
UNTIL_SETTLED = 7
"""PostgreSQL decides after five executions how it plans a prepared statement from then on."""
REPEATED = 5
TOO_LONG_MS = 100.0
"""What takes longer is not repeated."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question took; milliseconds of PostgreSQL."""

    name: str
    planning: float
    execution: float
    round_trip: float
    buffers: int

    @property
    def database(self) -> float:
        return self.planning + self.execution


def measure(*, quick: bool) -> Report:
    number = QUICK_RUNS if quick else RUNS
    with scratch() as directory, EmbeddedPostgres(directory / "data", fsync=False) as postgres:
        return asyncio.run(_measure(postgres.dsn, number))


async def _measure(dsn: str, number: int) -> Report:
    await formicary_migrations.upgrade(dsn)
    seconds = await dataset.load(dsn, number)
    report = await ask_all(dsn, number)
    report.measures.append(Measure(f"loading {number:,} runs", seconds, "s", at_most=120))
    return report


async def ask_all(dsn: str, number: int) -> Report:
    """Ask everything of a database that is loaded."""
    asked = [await _ask(dsn, name, question) for name, question in questions(number).items()]
    asked.sort(key=lambda one: max(one.database, one.round_trip), reverse=True)
    promised = [one for one in asked if one.name not in BEYOND]
    worst = max(promised, key=lambda one: one.database)
    by_id = next(one for one in asked if one.name == BY_ID)
    over = [one.name for one in promised if one.database > TARGET_MS]
    return Report(
        f"reading at {number:,} runs",
        [_table(asked)],
        [
            Measure(BY_ID, by_id.database, "ms", at_most=TARGET_MS),
            Measure(f"the worst of {len(promised)} questions: {worst.name}", worst.database, "ms", at_most=TARGET_MS),
            Measure("questions over 5 ms", len(over), "", at_most=0),
        ],
    )


def _table(asked: Sequence[Asked]) -> Table:
    return Table(
        "Milliseconds of PostgreSQL for 50 runs, the worst first",
        ["question", "planning", "execution", "round trip", "buffers"],
        [[one.name, one.planning, one.execution, one.round_trip, one.buffers] for one in asked],
        note="round trip: with the transfer of the rows; not promised: " + ", ".join(sorted(BEYOND)),
    )


async def _ask(dsn: str, name: str, question: Question) -> Asked:
    """Ask on one connection until its plans are settled, then have the statements explained."""
    heard: list[Any] = []
    settings = Settings(database_url=SecretStr(dsn), pool_size=1, slow_statement_ms=60_000)
    database = await Database.open(dsn, settings, on_query=heard.append)
    try:
        rounds = [await _elapsed(question, database, heard) for _ in range(UNTIL_SETTLED)]
        if rounds[-1] < TOO_LONG_MS:
            rounds += [await _elapsed(question, database, heard) for _ in range(REPEATED)]
    finally:
        await database.close()
    planning, execution, buffers = await _explain(dsn, heard, 1 if rounds[-1] > TOO_LONG_MS else REPEATED)
    return Asked(name, planning, execution, median(rounds[UNTIL_SETTLED - 1 :]), buffers)


async def _elapsed(question: Question, database: Database, heard: list[Any]) -> float:
    """Ask once; gives the ms of all statements together, which are left in `heard`."""
    heard.clear()
    await question(database)
    return 1000 * sum(float(query.elapsed) for query in heard)


async def _explain(dsn: str, queries: Iterable[Any], times: int) -> tuple[float, float, int]:
    """Planning and execution in ms, and the pages touched, of the statements together."""
    connection = await asyncpg.connect(dsn, server_settings={"jit": "off"})
    planning = execution = 0.0
    buffers = 0
    try:
        for query in queries:
            sql = f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query.query}"
            plans = [json.loads(await connection.fetchval(sql, *query.args))[0] for _ in range(times)]
            planning += median(plan["Planning Time"] for plan in plans)
            execution += median(plan["Execution Time"] for plan in plans)
            buffers += plans[-1]["Plan"]["Shared Hit Blocks"] + plans[-1]["Plan"]["Shared Read Blocks"]
    finally:
        await connection.close()
    return planning, execution, buffers
