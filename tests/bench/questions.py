"""What can be asked of the runs: by id, under each field of the filter, in each order, page after page.

Each field is asked for a common value, a seldom one, a rare one, several, and one that no run has.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from formicary.db import Database
from formicary.models.run import RunStatus
from formicary.resolvers import run_page, runs
from formicary.resolvers.page import PageArgs
from formicary.resolvers.ranges import TimeRange
from formicary.resolvers.run_filter import RunFilter

from . import population as p

HOUR_MS = 3_600_000
NEWEST = PageArgs(first=50)

BY_ID = "one run by id"
BEYOND = frozenset(f"by {order}, agent seldom" for order in ("duration", "cost", "tokens"))
"""Without an index for them: all runs of the agent would have to be sorted."""

Question = Callable[[Database], Awaitable[object]]


def questions(number: int) -> dict[str, Question]:
    """By name, for a database of `number` runs that dataset.py has loaded."""
    questions: dict[str, Question] = {BY_ID: _by_id(1, _some_run_of_agent_one)}
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
        "status all final": RunFilter(status=tuple(status for status in RunStatus if status >= RunStatus.SUCCEEDED)),
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
        "duration under 60 s": RunFilter(max_duration_ms=60_000),
        "duration under 260 ms": RunFilter(max_duration_ms=260),
        "duration under 201 ms": RunFilter(max_duration_ms=201),
        "duration under 150 ms": RunFilter(max_duration_ms=150),
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
        "agent common, duration under 150 ms": RunFilter(agent=first, max_duration_ms=150),
        "agent seldom, duration over 119 s": RunFilter(agent=last, min_duration_ms=119_000),
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
        return await run_page.page(db, None, args, where, runs.ordered(order, descending=descending))

    return ask


def _second_page(where: RunFilter, order: str = "STARTED") -> Question:
    async def ask(db: Database) -> object:
        first = await run_page.page(db, None, NEWEST, where, runs.ordered(order, descending=True))
        args = replace(NEWEST, after=first.cursor(first.items[-1]))
        return await run_page.page(db, None, args, where, runs.ordered(order, descending=True))

    return ask


def _of_owners(column: str, size: int) -> Question:
    async def ask(db: Database) -> object:
        owners = list(range(1, 51)) if column == "agent_id" else [1]
        return await run_page.pages(db, None, column, owners, PageArgs(first=size), RunFilter(), runs.NEWEST_FIRST)

    return ask
