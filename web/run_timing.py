"""How the time of a run went by: waiting in a queue, waiting for the first token, and the rest."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from formicary.models.run import RunStatus
from formicary.resolvers.runs import Run

MILLISECOND = timedelta(milliseconds=1)
UNFINISHED = (RunStatus.QUEUED, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Phase:
    """`share` and `offset` are parts of the whole, 0..1; `tone` is the colour's class."""

    label: str
    tone: str
    ms: float
    offset: float
    share: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a known instant."""

    label: str
    at: datetime


def phases(run: Run, now: datetime) -> list[Phase]:
    """One after the other; none where nothing is known of how long they took."""
    parts = [(label, tone, max(0.0, ms)) for label, tone, ms in _parts(run, now) if ms is not None]
    whole = sum(ms for _, _, ms in parts)
    found, offset = [], 0.0
    for label, tone, ms in parts:
        share = ms / whole if whole else 0.0
        found.append(Phase(label, tone, ms, offset, share))
        offset += share
    return found if whole else []


def _parts(run: Run, now: datetime) -> Iterator[tuple[str, str, float | None]]:
    waits = run.status is RunStatus.QUEUED
    if run.queued_at is not None:
        yield "In the queue", "still", ((now if waits else run.started_at) - run.queued_at) / MILLISECOND
    took = (now - run.started_at) / MILLISECOND if run.status is RunStatus.RUNNING else run.duration_ms
    if waits or took is None:
        return
    first = run.time_to_first_token_ms
    if first is not None and first <= took:
        yield "To the first token", "3", first
        yield "From the first token on", "1", took - first
    else:
        yield "Running so far" if run.status is RunStatus.RUNNING else "Running", "1", took


def events(run: Run) -> list[Event]:
    """In the order in which they happen in the life of a run."""
    first_token = None
    if run.time_to_first_token_ms is not None:
        first_token = run.started_at + run.time_to_first_token_ms * MILLISECOND
    known = (
        ("Queued", run.queued_at),
        ("Started", None if run.status is RunStatus.QUEUED else run.started_at),
        ("First token", first_token),
        ("Ended", run.ended_at),
        ("Recorded", run.recorded_at),
    )
    return [Event(label, at) for label, at in known if at is not None]
