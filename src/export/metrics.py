"""Figures as a file: those of every value of a dimension, of every step of time, or of both."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from io import StringIO
from typing import Any

import orjson

from ..db import Database
from ..resolvers import breakdown, figures, history
from ..resolvers.figures import Figures
from ..resolvers.loaders import Loaders
from ..resolvers.metrics import Latency, Metrics
from ..resolvers.question import Group, Question, Wants
from ..resolvers.scope import Scope
from .types import Type


class MetricsFormat(StrEnum):
    """What a file of figures can be."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one key, '' without a dimension, in the part of the range that `metrics` are of."""

    key: str
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Column:
    """Named as the API names the figure."""

    name: str
    type: Type
    value: Callable[[Row], Any]


def _of_metrics(type_: Type, **values: Callable[[Metrics], Any]) -> list[Column]:
    def column(name: str, value: Callable[[Metrics], Any]) -> Column:
        return Column(name, type_, lambda row: value(row.metrics))

    return [column(name, value) for name, value in values.items()]


def _of_latency(**values: Callable[[Latency], float]) -> list[Column]:
    def column(name: str, value: Callable[[Latency], float]) -> Column:
        return Column(name, Type.FLOAT, lambda row: None if row.metrics.latency is None else value(row.metrics.latency))

    return [column(name, value) for name, value in values.items()]


COLUMNS = [
    Column("key", Type.TEXT, lambda row: row.key),
    *_of_metrics(Type.TIME, **{"from": lambda m: m.range.from_, "to": lambda m: m.range.to}),
    *_of_metrics(
        Type.INTEGER,
        runs=lambda m: m.runs,
        succeeded=lambda m: m.succeeded,
        failed=lambda m: m.failed,
        cancelled=lambda m: m.cancelled,
        unfinished=lambda m: m.unfinished,
        messages=lambda m: m.messages,
    ),
    *_of_metrics(Type.FLOAT, successRate=lambda m: m.success_rate, errorRate=lambda m: m.error_rate),
    *_of_latency(
        averageMs=lambda latency: latency.average_ms,
        minMs=lambda latency: latency.min_ms,
        p50Ms=lambda latency: latency.p50_ms,
        p75Ms=lambda latency: latency.p75_ms,
        p90Ms=lambda latency: latency.p90_ms,
        p95Ms=lambda latency: latency.p95_ms,
        p99Ms=lambda latency: latency.p99_ms,
        maxMs=lambda latency: latency.max_ms,
    ),
    *_of_metrics(
        Type.INTEGER,
        inputTokens=lambda m: m.tokens.input,
        outputTokens=lambda m: m.tokens.output,
        totalTokens=lambda m: m.tokens.total,
    ),
    *_of_metrics(Type.FLOAT, tokensPerRun=lambda m: m.tokens.per_run),
    *_of_metrics(Type.DECIMAL, cost=lambda m: m.cost.total, costPerRun=lambda m: m.cost.per_run),
    *_of_metrics(
        Type.INTEGER,
        estimatedRuns=lambda m: m.cost.estimated_runs,
        unknownRuns=lambda m: m.cost.unknown_runs,
        filesCreated=lambda m: m.files_created,
        filesModified=lambda m: m.files_modified,
        distinctUsers=lambda m: m.distinct_users,
        distinctSessions=lambda m: m.distinct_sessions,
    ),
    *_of_metrics(Type.FLOAT, throughputPerHour=lambda m: m.throughput_per_hour),
]

FORMULA = tuple("=+-@\t\r\n")


async def file(db: Database, scope: Scope, question: Question, format_: MetricsFormat) -> bytes:
    """A row for each group of the question that has runs, those of the first keys first, in order of time.

    Raises BadInputError for a history of too many points, HorizonError for what takes runs that have been dropped.
    """
    found = await _rows(db, scope, question)
    match format_:
        case MetricsFormat.CSV:
            return _csv(found)
        case MetricsFormat.JSON:
            return orjson.dumps([_object(row) for row in found], default=str, option=orjson.OPT_UTC_Z)
        case MetricsFormat.PARQUET:
            return await _parquet(found)


async def _rows(db: Database, scope: Scope, question: Question) -> list[Row]:
    if question.bucket is not None:
        history.check_length(question.range, question.bucket)
    found = await figures.read(db, scope, replace(question, wants=Wants(durations=True, people=True)))
    names = await _names(Loaders(db, scope), found)
    order = sorted(_groups(found), key=lambda group: (names[group[0]], group[0], group[1] or found.range.from_))
    return [Row(names[key], found.metrics(key, bucket)) for key, bucket in order]


def _groups(found: Figures) -> Sequence[Group]:
    """Those with runs; of a history without a dimension every step, and without either the range."""
    question = found.question
    if question.by is not None:
        return list(found.groups)
    return [(0, start) for start in found.parts] if question.bucket else [(0, None)]


async def _names(loaders: Loaders, found: Figures) -> dict[Any, str]:
    by = found.question.by
    if by is None:
        return {0: ""}
    keys = list(dict.fromkeys(key for key, _ in found.groups))
    names = await breakdown.names(loaders, by, keys)
    return {key: name.text for key, name in zip(keys, names, strict=True)}


def _csv(rows: Sequence[Row]) -> bytes:
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow([column.name for column in COLUMNS])
    writer.writerows([_csv_cell(column, column.value(row)) for column in COLUMNS] for row in rows)
    return out.getvalue().encode()


def _csv_cell(column: Column, value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if column.type is Type.TIME:
        return _instant(value)
    return f"'{value}" if column.type is Type.TEXT and value.startswith(FORMULA) else value


def _object(row: Row) -> dict[str, Any]:
    return {column.name: column.value(row) for column in COLUMNS}


def _instant(value: Any) -> str:
    return str(value.isoformat().replace("+00:00", "Z"))


async def _parquet(rows: Sequence[Row]) -> bytes:
    from . import parquet  # 40 MB that nothing else needs

    made = parquet.File(COLUMNS)
    body = await made.write([[column.value(row) for column in COLUMNS] for row in rows]) if rows else b""
    return body + await made.end()
