"""Runs of the spans of other tools: what each record says is put into the words of OpenInference, and counted as
traces by OpenTelemetry are (see otlp/run.py): leaf model calls are summed up, agents within agents have a parent.

All spans are held until the file has been read, since they come in any order; some 500 bytes of each, no texts.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from ..errors import BadInputError
from ..ingest.run_input import RunInput
from ..otlp.run import run_input
from ..otlp.slim import MAX_MESSAGE, facts_of, plain, role_of, told_elsewhere
from ..otlp.span import RUNS, Scalar, Span, Status
from ..otlp.trace import read_trace

KIND = "openinference.span.kind"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Source(NamedTuple):
    """A span as a tool exports it. `attributes` are named as in OpenInference; times are whole nanoseconds."""

    trace_id: str
    id: str
    parent_id: str | None
    name: str
    started: int
    ended: int
    error: str | None
    attributes: Mapping[str, Scalar]


class Traces:
    """The spans of a file by their traces."""

    def __init__(self) -> None:
        self._traces: dict[bytes, dict[bytes, Span]] = {}

    def add(self, source: Source) -> None:
        span = _span(source)
        self._traces.setdefault(_id(source.trace_id, 16), {})[span.id] = span

    def add_around(self, source: Source) -> None:
        """Add a span, which may be known already, and which lasts as long as the known spans of its trace."""
        spans, span = self._traces[_id(source.trace_id, 16)], _span(source)
        known = spans.get(span.id, span)
        spans[span.id] = msgspec.structs.replace(
            span,
            started=min(known.started, span.started),
            ended=max(known.ended, span.ended),
            status=max(known.status, span.status),
            name=known.name or span.name,
            message=known.message or span.message,
            facts=known.facts | span.facts,
        )

    def runs(self, project: str) -> Iterator[RunInput]:
        for trace_id, spans in self._traces.items():
            runs = read_trace(spans.values(), released=True).runs
            for run in runs:
                yield run_input(run, runs, project=project, trace_id=trace_id)


def _span(source: Source) -> Span:
    role = role_of(source.attributes, source.name)
    facts = facts_of(source.attributes, role)
    if role in RUNS:
        facts |= told_elsewhere(source.attributes, role, source.attributes)
    failed = source.error is not None and role in RUNS
    return Span(
        _id(source.id, 8),
        _id(source.parent_id, 8) if source.parent_id else b"",
        role,
        source.started,
        source.ended,
        Status.ERROR if failed else Status.UNSET,
        plain(source.name) if role in RUNS else "",
        plain(source.error or "", MAX_MESSAGE) if failed else "",
        facts,
    )


def _id(text: str, size: int) -> bytes:
    """The bytes of an id of OpenTelemetry; of any other text some that are always the same."""
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    return found if len(found) == size else hashlib.sha256(text.encode()).digest()[:size]


def nanoseconds(name: str, value: Any) -> int:
    """Of an instant, of UTC unless it says otherwise. Raises BadInputError."""
    try:
        moment = datetime.fromisoformat(value)
        moment = (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):  # in UTC it may be of the year 0 or 10000
        raise BadInputError(f"{name}: {str(value)[:60]!r} is not an instant") from None
    return (moment - EPOCH) // timedelta(microseconds=1) * 1_000


def text(values: Mapping[str, Any], *names: str) -> str | None:
    """The first of these that is there."""
    return next((str(value) for name in names if (value := values.get(name)) not in (None, "")), None)


def required(values: Mapping[str, Any], *names: str) -> str:
    """Raises BadInputError."""
    found = text(values, *names)
    if found is None:
        raise BadInputError(f"{names[0]}: is missing")
    return found
