"""Reading at millions of runs: the time that PostgreSQL takes for each question that the API can ask.

The statements are the resolvers' own. Database time is planning plus execution as EXPLAIN ANALYZE has them, the
median of several; "prepared" is the round trip of the same statement on a connection that has prepared it, which is
how the server runs it: PostgreSQL plans it for any values then, and that plan can be a bad one.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median
from typing import Any

import asyncpg
from pydantic import SecretStr

import formicary_migrations
from formicary.config import Settings
from formicary.db import Database
from formicary.embedded import EmbeddedPostgres
from formicary.models.run import RunStatus
from formicary.resolvers import runs
from formicary.resolvers.page import PageArgs
from formicary.resolvers.ranges import TimeRange
from formicary.resolvers.run_filter import RunFilter

from . import dataset
from . import population as p
from .figures import Measure, Report, Table
from .server import scratch

RUNS = 5_000_000
QUICK_RUNS = 200_000
TARGET_MS = 5.0
UNTIL_SETTLED = 7
"""PostgreSQL decides after five executions how it plans a prepared statement from then on."""
REPEATED = 5
TOO_LONG_MS = 100.0
"""What takes longer is not repeated."""
HOUR_MS = 3_600_000

Question = Callable[[Database], Awaitable[object]]
NEWEST = PageArgs(first=50)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one question took; milliseconds of PostgreSQL."""

    name: str
    planning: float
    execution: float
    prepared: float
    buffers: int

    @property
    def worst(self) -> float:
        return max(self.planning + self.execution, self.prepared)


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
    asked = [await _ask(dsn, name, question) for name, question in _questions(number).items()]
    asked.sort(key=lambda one: one.worst, reverse=True)
    worst = asked[0]
    by_id = next(one for one in asked if one.name == "one run by id")
    return Report(
        f"reading at {number:,} runs",
        [_table(asked)],
        [
            Measure("one run by id", by_id.worst, "ms", at_most=TARGET_MS),
            Measure(f"the worst of {len(asked)} questions ({worst.name})", worst.worst, "ms", at_most=TARGET_MS),
            Measure("questions over 5 ms", sum(one.worst > TARGET_MS for one in asked), "", at_most=0),
        ],
    )


def _table(asked: Sequence[Asked]) -> Table:
    return Table(
        "Milliseconds of PostgreSQL for 50 runs, the worst first",
        ["question", "planning", "execution", "prepared", "buffers"],
        [[one.name, one.planning, one.execution, one.prepared, one.buffers] for one in asked],
        note="prepared: round trip of the prepared statement, with the transfer of the rows",
    )


def _questions(number: int) -> dict[str, Question]:
    questions: dict[str, Question] = {"one run by id": _by_id(1, _some_run_of_agent_one)}
    questions |= {f"newest, {name}": _page(where) for name, where in _filters(number).items()}
    for order in ("DURATION", "COST", "TOKENS"):
        for direction in (True, False):
            label = f"by {order.lower()} {'descending' if direction else 'ascending'}"
            questions[label] = _page(RunFilter(), order, descending=direction)
        questions[f"by {order.lower()}, agent common"] = _page(RunFilter(agent=(p.agent_name(1),)), order)
        questions[f"by {order.lower()}, agent seldom"] = _page(RunFilter(agent=(p.agent_name(p.AGENTS),)), order)
        questions[f"by {order.lower()}, second page"] = _second_page(RunFilter(), order)
    questions["second page"] = _second_page(RunFilter())
    questions["second page, model common"] = _second_page(RunFilter(model=("gpt-4o",)))
    questions["last page"] = _page(RunFilter(), args=PageArgs(last=50))
    questions["first page of versions"] = _of_owners("version_id", 50)
    questions["last 5 runs of 50 agents"] = _of_owners("agent_id", 5)
    return questions


def _filters(number: int) -> dict[str, RunFilter]:
    """Each field of the filter with a common value, a rare one, an unknown one and several; and combinations."""
    return _names_of_agents() | _texts() | _statuses() | _keys(number) | _figures() | _combinations()


def _names_of_agents() -> dict[str, RunFilter]:
    first, last = p.agent_name(1), p.agent_name(p.AGENTS)
    return {
        "no filter": RunFilter(),
        "project common": RunFilter(project=p.project_of(1)),
        "project unknown": RunFilter(project="unknown"),
        "agent common": RunFilter(agent=(first,)),
        "agent seldom": RunFilter(agent=(last,)),
        "agent unknown": RunFilter(agent=("unknown",)),
        "agents, 5": RunFilter(agent=tuple(map(p.agent_name, range(1, 6)))),
        "agents, 100": RunFilter(agent=tuple(map(p.agent_name, range(1, 101)))),
        "agent id": RunFilter(agent_id=(1,)),
        "agent ids, 5": RunFilter(agent_id=(1, 2, 3, 4, 200)),
        "version old, all agents": RunFilter(version=(p.version_name(0),)),
        "version of one agent": RunFilter(agent=(first,), version=(p.version_name(1),)),
        "version unknown": RunFilter(version=("unknown",)),
        "versions, 2 of one agent": RunFilter(agent=(first,), version=(p.version_name(0), p.version_name(1))),
    }


def _texts() -> dict[str, RunFilter]:
    values = {
        "model": ("gpt-4o", "mistral-large", "rare-model", ("gpt-4o", "o3-mini", "rare-model")),
        "provider": ("openai", "mistral", "rare-provider", ("openai", "google", "rare-provider")),
        "initiator": ("api", "ci", "rare-initiator", ("api", "ci", "rare-initiator")),
        "user": ("user-1", "user-19000", "user-19999", ("user-1", "user-17", "user-19999")),
        "error_type": ("TimeoutError", "ConnectionError", "RareError", ("TimeoutError", "RareError")),
        "tool": ("search", "deploy", "rare-tool", ("search", "rare-tool")),
    }
    filters: dict[str, RunFilter] = {}
    for field, (common, seldom, rare, several) in values.items():
        for kind, value in (("common", (common,)), ("seldom", (seldom,)), ("rare", (rare,)), ("several", several)):
            filters[f"{field} {kind}"] = _one_field(field, value)
        filters[f"{field} unknown"] = _one_field(field, ("unknown",))
    return filters


def _one_field(field: str, values: tuple[str, ...]) -> RunFilter:
    where: dict[str, Any] = {field: values}
    return RunFilter(**where)


def _statuses() -> dict[str, RunFilter]:
    return {f"status {status.name}": RunFilter(status=(status,)) for status in RunStatus} | {
        "status failed or timed out": RunFilter(status=(RunStatus.FAILED, RunStatus.TIMED_OUT)),
        "status unfinished": RunFilter(status=(RunStatus.QUEUED, RunStatus.RUNNING)),
        "status all final": RunFilter(status=tuple(status for status in RunStatus if status.is_final)),
    }


def _keys(number: int) -> dict[str, RunFilter]:
    middle = number // 2
    session = f"session-{middle // p.RUNS_PER_SESSION // 50 * 50 + 1}"
    return {
        "session": RunFilter(session=(session,)),
        "session unknown": RunFilter(session=("unknown",)),
        "sessions, 3": RunFilter(session=(session, "session-1", "session-2")),
        "trace": RunFilter(trace_id="78e2dd63af0cf63c5dc6ed98e9df3b10"),
        "trace unknown": RunFilter(trace_id="unknown"),
        "task": RunFilter(task_id=f"task-{middle // p.RUNS_PER_TASK}"),
        "task unknown": RunFilter(task_id="unknown"),
        "external id": RunFilter(external_id=(f"run-{middle}",)),
        "external id unknown": RunFilter(external_id=("unknown",)),
        "external ids, 3": RunFilter(external_id=("run-1", "run-2", f"run-{number}")),
        "error text common": RunFilter(error_text="timeout after"),
        "error text seldom": RunFilter(error_text="connection upstream reset"),
        "error text rare": RunFilter(error_text="rarely"),
        "error text with a number": RunFilter(error_text="timeout 1203"),
        "error text unknown": RunFilter(error_text="zebra"),
    }


def _figures() -> dict[str, RunFilter]:
    return {
        "duration over 1 s": RunFilter(min_duration_ms=1_000),
        "duration over 119.9 s": RunFilter(min_duration_ms=119_900),
        "duration over an hour": RunFilter(min_duration_ms=HOUR_MS),
        "duration under 201 ms": RunFilter(max_duration_ms=201),
        "duration under 100 ms": RunFilter(max_duration_ms=100),
        "duration 5000 to 5010 ms": RunFilter(min_duration_ms=5_000, max_duration_ms=5_010),
        "cost over 0.01": RunFilter(min_cost=Decimal("0.01")),
        "cost over 0.149": RunFilter(min_cost=Decimal("0.149")),
        "cost over 100": RunFilter(min_cost=Decimal(100)),
        "range last hour": RunFilter(range=TimeRange(last=HOUR_MS)),
        "range last 7 days": RunFilter(range=TimeRange(last=7 * 24 * HOUR_MS)),
    }


def _combinations() -> dict[str, RunFilter]:
    failed = (RunStatus.FAILED, RunStatus.TIMED_OUT)
    first, last = (p.agent_name(1),), (p.agent_name(p.AGENTS),)
    week = TimeRange(last=7 * 24 * HOUR_MS)
    return {
        "agent common, failed": RunFilter(agent=first, status=failed),
        "agent seldom, failed": RunFilter(agent=last, status=failed),
        "agent common, model rare": RunFilter(agent=first, model=("rare-model",)),
        "agent seldom, model common": RunFilter(agent=last, model=("gpt-4o",)),
        "agent seldom, cancelled": RunFilter(agent=last, status=(RunStatus.CANCELLED,)),
        "agent common, duration over 119 s": RunFilter(agent=first, min_duration_ms=119_000),
        "project, failed, last week": RunFilter(project=p.project_of(1), status=failed, range=week),
        "model seldom, failed": RunFilter(model=("mistral-large",), status=failed),
        "provider common, initiator seldom": RunFilter(provider=("openai",), initiator=("ci",)),
        "provider common, initiator rare": RunFilter(provider=("openai",), initiator=("rare-initiator",)),
        "user common, agent common": RunFilter(user=("user-1",), agent=first),
        "user seldom, failed": RunFilter(user=("user-900",), status=failed),
        "error type common, agent seldom": RunFilter(error_type=("TimeoutError",), agent=last),
        "tool common, agent seldom": RunFilter(tool=("search",), agent=last),
        "error text common, project": RunFilter(error_text="timeout", project=p.project_of(1)),
        "project, model, last week": RunFilter(project=p.project_of(1), model=("gpt-4o",), range=week),
    }


async def _some_run_of_agent_one(db: Database) -> int:
    return int(await db.fetchval("SELECT id FROM run WHERE agent_id = 1 ORDER BY started_at OFFSET 1000 LIMIT 1"))


def _by_id(agent_id: int, find: Callable[[Database], Awaitable[int]]) -> Question:
    async def ask(db: Database) -> object:
        return await runs.by_ids(db, None, [(agent_id, await find(db))])

    return ask


def _page(where: RunFilter, order: str = "STARTED", *, descending: bool = True, args: PageArgs = NEWEST) -> Question:
    async def ask(db: Database) -> object:
        return await runs.page(db, None, args, where, runs.ordered(order, descending=descending))

    return ask


def _second_page(where: RunFilter, order: str = "STARTED") -> Question:
    async def ask(db: Database) -> object:
        first = await runs.page(db, None, NEWEST, where, runs.ordered(order, descending=True))
        args = replace(NEWEST, after=first.cursor(first.items[-1]))
        return await runs.page(db, None, args, where, runs.ordered(order, descending=True))

    return ask


def _of_owners(column: str, size: int) -> Question:
    async def ask(db: Database) -> object:
        owners = list(range(1, 51)) if column == "agent_id" else [1]
        return await runs.pages(db, None, column, owners, PageArgs(first=size), RunFilter(), runs.NEWEST_FIRST)

    return ask


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
