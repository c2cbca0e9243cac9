"""The figures once more, in plain Python over the rows of `run`: what the tiers and the statements are held to."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from formicary.db import Database
from formicary.models.run import RunStatus
from formicary.resolvers.metrics import TEN_DIGITS
from formicary.resolvers.question import Dimension, Group, Key, Question
from formicary.resolvers.spans import Bucket, floor

Run = Mapping[str, Any]

KEYS: dict[Dimension | None, Callable[[Run], Key]] = {
    None: lambda run: 0,
    Dimension.AGENT: lambda run: run["agent_id"],
    Dimension.VERSION: lambda run: run["version_id"],
    Dimension.PROJECT: lambda run: run["project_id"],
    Dimension.STATUS: lambda run: run["status"],
    Dimension.MODEL: lambda run: run["model"] or "",
    Dimension.PROVIDER: lambda run: run["provider"] or "",
    Dimension.ERROR_TYPE: lambda run: run["error_type"] or "",
    Dimension.INITIATOR: lambda run: run["initiator"] or "",
}
TEXTS = ("model", "provider", "error_type", "initiator")
FAILED = (RunStatus.FAILED, RunStatus.TIMED_OUT)


@dataclass(frozen=True)
class Expected:
    """What the figures of some runs have to be; latency by the nearest rank of the very durations."""

    counts: dict[str, object]
    latency: dict[str, float] | None


async def expected(db: Database, question: Question) -> dict[Group, Expected]:
    grouped: dict[Group, list[Run]] = {}
    for run in map(dict, await db.fetch("SELECT * FROM run")):
        if _is_asked_for(run, question):
            start = None if question.bucket is None else floor(run["started_at"], question.bucket.length)
            grouped.setdefault((KEYS[question.by](run), start), []).append(run)
    return {group: _figures(runs) for group, runs in grouped.items()}


def _is_asked_for(run: Run, question: Question) -> bool:
    where = question.where
    return (
        question.range.from_ <= run["started_at"] < question.range.to
        and (question.by is not Dimension.ERROR_TYPE or run["error_type"] or run["status"] in FAILED)
        and (where.status is None or run["status"] in where.status)
        and (where.agent_id is None or run["agent_id"] in where.agent_id)
        and all(getattr(where, name) is None or run[name] in getattr(where, name) for name in TEXTS)
    )


def _figures(runs: list[Run]) -> Expected:
    succeeded = [run for run in runs if run["status"] == RunStatus.SUCCEEDED]
    failed = [run for run in runs if run["status"] in FAILED]
    costs = [run["cost"] for run in runs if run["cost"] is not None]
    tokens = [run["total_tokens"] for run in runs if run["total_tokens"] is not None]
    counts = {
        "runs": len(runs),
        "succeeded": len(succeeded),
        "failed": len(failed),
        "cancelled": sum(run["status"] == RunStatus.CANCELLED for run in runs),
        "unfinished": sum(run["status"] < RunStatus.SUCCEEDED for run in runs),
        "messages": sum(run["messages"] for run in runs),
        "success_rate": len(succeeded) / len(succeeded + failed) if succeeded + failed else None,
        "tokens.input": _total(run["input_tokens"] for run in runs),
        "tokens.output": _total(run["output_tokens"] for run in runs),
        "tokens.total": sum(tokens),
        "tokens.per_run": sum(tokens) / len(tokens) if tokens else None,
        "cost.total": sum(costs, Decimal(0)),
        "cost.per_run": TEN_DIGITS.divide(sum(costs, Decimal(0)), Decimal(len(costs))) if costs else None,
        "cost.estimated_runs": sum(run["cost_source"] == 1 for run in runs),
        "cost.unknown_runs": len(runs) - len(costs),
        "files_created": _total(run["files_created"] for run in runs),
        "files_modified": _total(run["files_modified"] for run in runs),
        "distinct_users": len({run["user_id"] for run in runs} - {None}),
        "distinct_sessions": len({run["session_id"] for run in runs} - {None}),
    }
    return Expected(counts, _latency([run["duration_ms"] for run in succeeded + failed]))


def _total(values: Iterable[int | None]) -> int:
    return sum(value or 0 for value in values)


def _latency(durations: list[int | None]) -> dict[str, float] | None:
    known = sorted(duration for duration in durations if duration is not None)
    if not known:
        return None
    ranks = {
        name: max(1, math.ceil(len(known) * int(name[1:3]) / 100)) for name in ("p50_ms", "p75_ms", "p95_ms", "p99_ms")
    }
    return {
        "average_ms": sum(known) / len(known),
        "min_ms": known[0],
        "max_ms": known[-1],
        **{name: known[rank - 1] for name, rank in ranks.items()},
    }


def shown(metrics: object, names: Iterable[str]) -> dict[str, object]:
    """The same figures as the resolvers give them."""
    return {name: _attribute(metrics, name) for name in names}


def _attribute(value: Any, path: str) -> object:
    for name in path.split("."):
        value = getattr(value, name)
    return value


def week(moment: datetime) -> datetime:
    return floor(moment.astimezone(UTC), Bucket.WEEK.length)
