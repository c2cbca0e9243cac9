"""Runs on their way from a file into the database, a batch at a time, and what became of them."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import IO, Any, NamedTuple, TypeAlias

from ..errors import BadInputError, Problem
from ..ingest.check import problems
from ..ingest.recorder import Recorded, Rejected
from ..ingest.row import encode_metadata
from ..ingest.run_input import DEFAULT_PROJECT, RunInput
from . import langfuse, own, phoenix
from .records import Record, read
from .spans import Traces

BATCH = 1_000


class Format(StrEnum):
    """Whose files can be imported."""

    FORMICARY = "formicary"
    LANGFUSE = "langfuse"
    PHOENIX = "phoenix"


_SPANS: Mapping[Format, Callable[[Mapping[str, Any], Traces], None]] = {
    Format.LANGFUSE: langfuse.add,
    Format.PHOENIX: phoenix.add,
}


class Found(NamedTuple):
    """A run or a fault. `line` is that of its record; a run that was made of several has none."""

    run: RunInput | None
    fault: str = ""
    line: int | None = None
    values: Mapping[str, Any] | None = None


RecordBatch: TypeAlias = Callable[[list[RunInput]], Awaitable[Recorded]]
Reject: TypeAlias = Callable[[Found], object]
Progress: TypeAlias = Callable[[int | None], object]
"""Is told the line up to which all has been dealt with, where that is known."""


@dataclass(slots=True)
class Loaded:
    recorded: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0


def find(file: IO[bytes], format_: Format, *, project: str | None = None, from_line: int = 1) -> Iterator[Found]:
    """The runs of a file, and what is none. `project` is that of runs which name none.

    Raises BadInputError for a file that cannot be read at all.
    """
    records = (record for record in read(file) if record.line >= from_line)
    if format_ in _SPANS:
        return _of_spans(records, _SPANS[format_], project or DEFAULT_PROJECT)
    return (_own(record, project) for record in records)


def _own(record: Record, project: str | None) -> Found:
    if record.fault is not None:
        return _faulty(record, record.fault)
    try:
        return Found(own.run_input(record, project), line=record.line, values=record.values)
    except BadInputError as error:
        return _faulty(record, error.message)


def _of_spans(
    records: Iterable[Record], add: Callable[[Mapping[str, Any], Traces], None], project: str
) -> Iterator[Found]:
    traces = Traces()
    for record in records:
        if record.fault is not None:
            yield _faulty(record, record.fault)
            continue
        try:
            add(record.values, traces)
        except BadInputError as error:
            yield _faulty(record, error.message)
    for run in traces.runs(project):
        yield Found(run)


def _faulty(record: Record, fault: str) -> Found:
    return Found(None, fault, record.line, record.values)


async def load(found: Iterator[Found], record: RecordBatch, *, reject: Reject, progress: Progress) -> Loaded:
    """Record the runs; whatever could not be recorded is handed to `reject`.

    Raises UnavailableError when the database goes away; all before is recorded.
    """
    loaded = Loaded()
    while batch := list(islice(found, BATCH)):
        runs = [item for item in batch if item.run is not None]
        answer = await record([item.run for item in runs if item.run is not None])
        loaded.recorded += answer.recorded
        loaded.updated += answer.updated
        loaded.unchanged += answer.unchanged
        faulty = [item for item in batch if item.run is None]
        faulty += [_rejected(runs[rejected.index], rejected.problems) for rejected in answer.rejected]
        loaded.rejected += len(faulty)
        for item in sorted(faulty, key=lambda item: item.line or 0):
            reject(item)
        progress(batch[-1].line)
    return loaded


def _rejected(item: Found, faults: list[Problem]) -> Found:
    return item._replace(fault="; ".join(f"{fault.path}: {fault.message}" for fault in faults))


async def check_only(runs: list[RunInput]) -> Recorded:
    """What recording would answer, if none of the runs were known."""
    now = datetime.now(UTC)
    rejected = [Rejected(index, faults) for index, run in enumerate(runs) if (faults := _faults(run, now))]
    good = len(runs) - len(rejected)
    return Recorded(len(runs), good, 0, 0, rejected, [None] * len(runs))


def _faults(run: RunInput, now: datetime) -> list[Problem]:
    metadata = encode_metadata(run.metadata)
    return problems(run, now) + ([metadata] if isinstance(metadata, Problem) else [])
