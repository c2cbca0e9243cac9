"""The spans of one body by project and trace, and those that were refused."""

from collections import Counter
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec

from ..ingest.check import EARLIEST, FUTURE
from .span import RUNS, Span

TraceKey: TypeAlias = tuple[str | None, bytes]
"""The project as the resource names it (None: it names none), and the trace id."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_REASONS = 5

_TRACE_ID, _SPAN_ID = 16, 8
_NO_TRACE, _NO_SPAN = bytes(_TRACE_ID), bytes(_SPAN_ID)


def nanoseconds(at: datetime) -> int:
    return round((at - EPOCH).total_seconds()) * 10**9


class Refusals:
    """How many spans were not taken, and why: the first few reasons, each once."""

    def __init__(self) -> None:
        self._reasons: Counter[str] = Counter()

    def add(self, reason: str, spans: int = 1) -> None:
        self._reasons[reason] += spans

    def include(self, others: "Refusals") -> None:
        self._reasons.update(others._reasons)

    @property
    def spans(self) -> int:
        return self._reasons.total()

    @property
    def message(self) -> str:
        reasons = list(self._reasons.items())
        told = [f"{count} x {reason}" if count > 1 else reason for reason, count in reasons[:MOST_REASONS]]
        rest = len(reasons) - MOST_REASONS
        return "; ".join(told) + (f"; and {rest} more reasons" if rest > 0 else "")


class Batch:
    """What was decoded from a body."""

    def __init__(self, now: datetime) -> None:
        self.traces: dict[TraceKey, dict[bytes, Span]] = {}
        self.refusals = Refusals()
        self.spans = 0
        self._earliest = nanoseconds(EARLIEST)
        self._latest = nanoseconds(now + FUTURE)

    def add(self, project: str | None, trace_id: bytes, span: Span) -> None:
        self.spans += 1
        if span.parent_id == _NO_SPAN:  # some write the lack of a parent like this
            span = msgspec.structs.replace(span, parent_id=b"")
        if (fault := self._fault(trace_id, span)) is not None:
            self.refusals.add(fault)
            return
        key = (project, trace_id)
        spans = self.traces.get(key)
        if spans is None:
            self.traces[key] = {span.id: span}
        else:
            add(spans, span)

    def _fault(self, trace_id: bytes, span: Span) -> str | None:
        if len(trace_id) != _TRACE_ID or trace_id == _NO_TRACE:
            return "the trace id is not 16 bytes, or all of them are zero"
        if len(span.id) != _SPAN_ID or span.id == _NO_SPAN:
            return "the span id is not 8 bytes, or all of them are zero"
        if span.parent_id and len(span.parent_id) != _SPAN_ID:
            return "the parent span id is not 8 bytes"
        return self._fault_of_times(span) if span.role in RUNS else None

    def _fault_of_times(self, span: Span) -> str | None:
        """Only of what can be a run: the times of other spans just put them in order."""
        if not self._earliest <= span.started <= self._latest:
            return "the start of an agent's span is not between 2000-01-01 and one day from now"
        if span.ended and not span.started <= span.ended <= self._latest:
            return "the end of an agent's span is before its start, or more than one day from now"
        return None


def add(spans: dict[bytes, Span], span: Span) -> bool:
    """Add a span to those of its trace; gives whether that told anything new.

    Of two with one id, the one that ended later counts, whichever came first.
    """
    other = spans.get(span.id)
    if other is not None and (other == span or _precedence(other) > _precedence(span)):
        return False
    spans[span.id] = span
    return True


def _precedence(span: Span) -> tuple[int, str]:
    return span.ended, repr(span)
