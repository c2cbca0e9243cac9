"""Spans in: kept and made runs in one transaction, so that what is acknowledged has been committed.

Several requests, also to several servers, may bring spans of one trace at once. The lock of its row lets them take
turns, and each sees all spans that came before it.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg

from ..errors import OverloadedError
from ..ingest.check import PROJECT_SLUG
from ..ingest.recorder import Recorder, Scope
from ..ingest.recording import Recording
from ..ingest.run_input import DEFAULT_PROJECT, RunInput
from . import batch as spans_of_trace
from . import span_state
from .batch import Batch, Refusals
from .revision import Revision, runs_of
from .span_state import Kept, Key, Spans, State
from .trace import read_trace

Traces: TypeAlias = dict[Key, Spans]

MOST_AT_ONCE = 2_000
"""So many spans go in one transaction, where they are of more than one trace."""


class Receiver:
    def __init__(self, recorder: Recorder, *, max_trace_spans: int) -> None:
        self._recorder = recorder
        self._max_trace_spans = max_trace_spans

    async def receive(self, batch: Batch, scope: Scope = None) -> Refusals:
        """Take the spans of a batch; gives those that were not taken. `scope` are the caller's projects (None: all).

        Raises UnavailableError and OverloadedError; the batch may then be sent again, of which some may be committed.
        """
        traces = await self._permitted(batch, scope)
        for some in _slices(traces):
            await self._receive(some, batch.refusals)
        return batch.refusals

    async def _permitted(self, batch: Batch, scope: Scope) -> Traces:
        """The traces by their projects, in order; spans of other projects than the caller's are refused."""
        slugs = None if scope is None else await self._recorder.slugs_of(scope)
        usual = next(iter(slugs)) if slugs is not None and len(slugs) == 1 else DEFAULT_PROJECT
        traces: Traces = {}
        for (named, trace_id), spans in batch.traces.items():
            key = (named or usual, trace_id)
            if (fault := _fault(key[0], slugs)) is not None:
                batch.refusals.add(fault, len(spans))
            elif key in traces or len(spans) > self._max_trace_spans:
                self._join(traces.setdefault(key, {}), spans, batch.refusals)
            else:
                traces[key] = spans
        return dict(sorted(traces.items()))

    def _join(self, known: Spans, fresh: Spans, refusals: Refusals) -> bool:
        """Add spans to those of their trace, as many as a trace may have; gives whether that told anything new."""
        told = False
        for span in fresh.values():
            if span.id not in known and len(known) >= self._max_trace_spans:
                refusals.add(f"a trace has more than the {self._max_trace_spans} spans that are kept of it")
            else:
                told |= spans_of_trace.add(known, span)
        return told

    async def _receive(self, traces: Traces, refusals: Refusals) -> None:
        """Once more where a run was on its way into the default partition while its own one was made."""
        try:
            refusals.include(await self._write(traces))
        except asyncpg.CheckViolationError:
            refusals.include(await self._write(traces))
        except asyncpg.DeadlockDetectedError as error:
            raise OverloadedError from error

    async def _write(self, traces: Traces) -> Refusals:
        now = datetime.now(UTC)
        revision = Revision(now, Refusals())
        async with self._recorder.transaction() as recording:
            changed = await self._keep(recording, traces, revision, now)
            rest = await revision.record(recording)
            if changed:
                await span_state.update(recording.connection, changed, now)
            if rest:
                await span_state.mark_rest(recording.connection, rest)
        return revision.refusals

    async def _keep(self, recording: Recording, traces: Traces, revision: Revision, now: datetime) -> dict[Key, State]:
        """Keep what is new and enter its runs; gives what is to be kept of traces that were known before.

        A trace may be let go between the two questions about it: then it is new after all.
        """
        connection = recording.connection
        changed: dict[Key, State] = {}
        waiting: Mapping[Key, Spans] = traces
        while waiting:
            runs: dict[Key, list[RunInput]] = {}
            orphaned: set[Key] = set()
            for key, spans in waiting.items():
                trace = read_trace(spans.values(), released=False)
                runs[key] = runs_of(key, trace)
                if trace.orphans:
                    orphaned.add(key)
            known = await span_state.add(connection, waiting, orphaned, now)
            for key, made in runs.items():
                if key not in known:
                    revision.begin(key, made)
            kept = await span_state.lock(connection, known) if known else {}
            for key, state in kept.items():
                if (after := self._go_on(key, state, traces[key], revision, now)) is not None:
                    changed[key] = after
            waiting = {key: traces[key] for key in known if key not in kept}
        return changed

    def _go_on(self, key: Key, kept: Kept, fresh: Spans, revision: Revision, now: datetime) -> State | None:
        """Enter what further spans change; None where they tell nothing new."""
        spans = dict(kept.spans)
        if not self._join(spans, fresh, revision.refusals):
            return None
        before, after = (read_trace(known.values(), released=kept.is_released) for known in (kept.spans, spans))
        revision.go_on(key, before, after, is_rest=kept.is_rest)
        return State(spans, (kept.waiting_since or now) if after.orphans else None)


def _fault(project: str, slugs: frozenset[str] | None) -> str | None:
    if not PROJECT_SLUG.fullmatch(project):
        return f"{project[:60]!r} is not a project: 1 to 100 of A-Z a-z 0-9 . _ -, the first a letter or digit"
    if slugs is not None and project not in slugs:
        return f"this API key does not reach the project {project!r}"
    return None


def _slices(traces: Traces) -> Iterator[Traces]:
    some: Traces = {}
    size = 0
    for key, spans in traces.items():
        if some and size + len(spans) > MOST_AT_ONCE:
            yield some
            some, size = {}, 0
        some[key] = spans
        size += len(spans)
    if some:
        yield some
