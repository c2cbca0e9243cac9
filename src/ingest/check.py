"""What a run input must hold to be recorded: each fault is a problem with path, code and message.

A run with a fault is rejected by itself. Texts are shown cut in messages; a prompt that was put into the
wrong field is not echoed back whole.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ..errors import Problem
from .run_input import DEFAULT_PROJECT, RunInput, RunKeyInput

MAX_TEXT = 200
MAX_ITEMS = 100
MAX_ERROR_MESSAGE = 1_000
MAX_DURATION_MS = 10**12
MAX_COUNT = 10**12
"""Of tokens or characters in one run: what is added up over many runs must fit 64 bits."""
MAX_COST = Decimal(10) ** 9
MAX_COST_DECIMALS = 30
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
FUTURE = timedelta(days=1)

SURROGATE = re.compile("[\ud800-\udfff]")
PROJECT_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

UNFINISHED = frozenset({"QUEUED", "RUNNING"})
_DAY_MS = 86_400_000
_USUAL_COST = re.compile(r"[0-9]+(\.[0-9]{1,20})?")
_USUAL = EARLIEST + timedelta(days=1)

_TEXTS = (
    ("model", "model"),
    ("provider", "provider"),
    ("error_type", "errorType"),
    ("initiator", "initiator"),
    ("task_id", "taskId"),
    ("trace_id", "traceId"),
    ("span_id", "spanId"),
    ("session_id", "sessionId"),
    ("user_id", "userId"),
)
_COUNTS = (
    ("input_tokens", "inputTokens"),
    ("output_tokens", "outputTokens"),
    ("total_tokens", "totalTokens"),
    ("cached_input_tokens", "cachedInputTokens"),
    ("input_length", "inputLength"),
    ("output_length", "outputLength"),
    ("files_created", "filesCreated"),
    ("files_modified", "filesModified"),
    ("messages", "messages"),
)
_MILLISECONDS = (
    ("duration_ms", "durationMs"),
    ("time_taken", "timeTaken"),
    ("time_to_first_token_ms", "timeToFirstTokenMs"),
)
_TIMES = (("queued_at", "queuedAt"), ("started_at", "startedAt"), ("ended_at", "endedAt"))


def problems(run: RunInput, now: datetime) -> list[Problem]:
    """All faults of an input by itself; empty where there are none. Metadata is checked where it is encoded."""
    return [] if _is_plain(run, now) else _every_problem(run, now)


def _is_plain(run: RunInput, now: datetime) -> bool:
    """Whether a run is good at first sight, as nearly all are, which takes a fifth of the time of looking closely.

    What is unusual, such as a parent or a length of days, is not plain even where it is good.
    """
    return (
        run.parent is None
        and (run.project == DEFAULT_PROJECT or PROJECT_SLUG.fullmatch(run.project) is not None)
        and _has_plain_texts(run)
        and _has_plain_times(run, now)
        and _has_plain_numbers(run)
    )


def _has_plain_texts(run: RunInput) -> bool:
    names = [run.agent, run.version, *(run.models or ()), *(run.tools or ())]
    if run.external_id is not None:
        names.append(run.external_id)
    texts = (
        *names,
        run.model or "",
        run.provider or "",
        run.error_type or "",
        run.initiator or "",
        run.task_id or "",
        run.trace_id or "",
        run.span_id or "",
        run.session_id or "",
        run.user_id or "",
    )
    together = "".join(texts)
    return (
        len(names) <= MAX_ITEMS
        and (len(together) <= MAX_TEXT or max(map(len, texts)) <= MAX_TEXT)
        and all(map(str.strip, names))
        and together.isprintable()
        and (run.error_message is None or run.error_message.isprintable())
    )


def _has_plain_times(run: RunInput, now: datetime) -> bool:
    started, ended, queued = run.started_at, run.ended_at, run.queued_at
    return (
        (started is None or _USUAL <= started <= now)
        and (
            ended is None or (_USUAL <= ended <= now and (started or _USUAL) <= ended and run.status not in UNFINISHED)
        )
        and (queued is None or _USUAL <= queued <= now)
        and (run.duration_ms is None or (0 <= run.duration_ms <= _DAY_MS and run.time_taken is None))
        and 0 <= (run.time_taken or 0) <= _DAY_MS
        and 0 <= (run.time_to_first_token_ms or 0) <= _DAY_MS
    )


def _has_plain_numbers(run: RunInput) -> bool:
    counts = (
        run.input_tokens or 0,
        run.output_tokens or 0,
        run.total_tokens or 0,
        run.cached_input_tokens or 0,
        run.input_length or 0,
        run.output_length or 0,
        run.files_created or 0,
        run.files_modified or 0,
        run.messages,
    )
    return (
        min(counts) >= 0
        and max(counts) <= MAX_COUNT
        and 0 <= (run.pheromone_score or 0) <= 1
        and (run.cost is None or (_USUAL_COST.fullmatch(str(run.cost)) is not None and run.cost <= MAX_COST))
    )


def _every_problem(run: RunInput, now: datetime) -> list[Problem]:
    return [
        *name("agent", run.agent),
        *project("project", run.project),
        *name("version", run.version),
        *_external_id(run),
        *_texts(run),
        *_lists(run),
        *_numbers(run),
        *_times(run, now),
        *_contradictions(run, now),
        *(_parent(run, run.parent) if run.parent is not None else ()),
    ]


def name(path: str, value: str) -> Iterator[Problem]:
    """A name must have 1 to 200 characters, not all blank, and no NUL."""
    if not value or value.isspace():
        yield Problem(path, "EMPTY", "must not be empty.")
    yield from text(path, value)


def text(path: str, value: str) -> Iterator[Problem]:
    if len(value) > MAX_TEXT:
        yield Problem(path, "TOO_LONG", f"has {len(value)} characters; at most {MAX_TEXT} are allowed.")
    yield from storable(path, value)


def storable(path: str, value: str) -> Iterator[Problem]:
    """What PostgreSQL can hold as text: no NUL, and nothing that is no Unicode character."""
    if "\0" in value:
        yield Problem(path, "NUL_CHARACTER", "must not hold a NUL character (U+0000).")
    if not value.isascii() and SURROGATE.search(value):
        yield Problem(path, "INVALID", "must not hold half of a surrogate pair (U+D800 to U+DFFF).")


def project(path: str, value: str) -> Iterator[Problem]:
    if not PROJECT_SLUG.fullmatch(value):
        yield Problem(
            path,
            "INVALID",
            f"{value[:60]!r} is not a project: 1 to 100 of A-Z a-z 0-9 . _ -, the first a letter or digit.",
        )


def items(path: str, values: list[str]) -> Iterator[Problem]:
    if len(values) > MAX_ITEMS:
        yield Problem(path, "TOO_MANY", f"has {len(values)} items; at most {MAX_ITEMS} are allowed.")
        return
    for index, value in enumerate(values):
        yield from name(f"{path}[{index}]", value)


def _external_id(run: RunInput) -> Iterator[Problem]:
    if run.external_id is not None:
        yield from name("externalId", run.external_id)


def _texts(run: RunInput) -> Iterator[Problem]:
    for attribute, path in _TEXTS:
        value = getattr(run, attribute)
        if value is not None:
            yield from text(path, value)
    if run.error_message is not None:
        yield from storable("errorMessage", run.error_message)


def _lists(run: RunInput) -> Iterator[Problem]:
    yield from items("models", run.models or [])
    yield from items("tools", run.tools or [])


def _numbers(run: RunInput) -> Iterator[Problem]:
    for attribute, path in _COUNTS:
        value = getattr(run, attribute)
        if value is not None:
            yield from count(path, value)
    for attribute, path in _MILLISECONDS:
        value = getattr(run, attribute)
        if value is not None and not 0 <= value <= MAX_DURATION_MS:
            yield Problem(path, "OUT_OF_RANGE", f"is {value} ms; allowed are 0 to {MAX_DURATION_MS} ms.")
    if run.cost is not None:
        yield from cost("cost", run.cost)
    if run.pheromone_score is not None and not 0 <= run.pheromone_score <= 1:
        yield Problem("pheromoneScore", "OUT_OF_RANGE", f"is {run.pheromone_score}; allowed are 0 to 1.")


def count(path: str, value: int) -> Iterator[Problem]:
    if value < 0:
        yield Problem(path, "NEGATIVE", f"is {value}; it must not be negative.")
    elif value > MAX_COUNT:
        yield Problem(path, "OUT_OF_RANGE", f"is {value}; allowed are 0 to {MAX_COUNT}.")


def cost(path: str, value: Decimal) -> Iterator[Problem]:
    """An amount of USD: not negative, at most 10^9, at most 30 decimals (kept exactly)."""
    exponent = value.as_tuple().exponent
    if value < 0:
        yield Problem(path, "NEGATIVE", f"is {value}; it must not be negative.")
    elif value > MAX_COST or not isinstance(exponent, int) or not -MAX_COST_DECIMALS <= exponent <= MAX_COST_DECIMALS:
        yield Problem(
            path,
            "OUT_OF_RANGE",
            f"is {value}; allowed are 0 to {MAX_COST} USD with {MAX_COST_DECIMALS} decimals.",
        )


def _times(run: RunInput, now: datetime) -> Iterator[Problem]:
    for attribute, path in _TIMES:
        value = getattr(run, attribute)
        if value is not None:
            yield from instant(path, value, now)


def instant(path: str, value: datetime, now: datetime) -> Iterator[Problem]:
    if not EARLIEST <= value <= now + FUTURE:
        yield Problem(
            path,
            "OUT_OF_RANGE",
            f"is {value.isoformat()}; allowed are 2000-01-01 to one day from now, in UTC.",
        )


def _contradictions(run: RunInput, now: datetime) -> Iterator[Problem]:
    if run.started_at is not None and run.ended_at is not None and run.ended_at < run.started_at:
        yield Problem("endedAt", "CONTRADICTION", "is before startedAt.")
    if run.ended_at is not None and run.status in UNFINISHED:
        yield Problem("endedAt", "CONTRADICTION", f"a {run.status} run has not ended.")
    if run.duration_ms is not None and run.time_taken is not None and abs(run.duration_ms - run.time_taken) >= 1:
        yield Problem("timeTaken", "CONTRADICTION", "differs from durationMs; give one of them.")
    yield from _length(run, now)


def _length(run: RunInput, now: datetime) -> Iterator[Problem]:
    """The time that is computed from the other one and the duration must be allowed too."""
    path, milliseconds = ("timeTaken", run.time_taken) if run.duration_ms is None else ("durationMs", run.duration_ms)
    if milliseconds is None or not 0 <= milliseconds <= MAX_DURATION_MS:
        return
    length = timedelta(milliseconds=milliseconds)
    if run.started_at is not None and run.ended_at is None and run.started_at > now + FUTURE - length:
        yield Problem(path, "CONTRADICTION", "puts the end of the run more than one day ahead of now.")
    if run.started_at is None and run.ended_at is not None and run.ended_at < EARLIEST + length:
        yield Problem(path, "CONTRADICTION", "puts the start of the run before 2000-01-01.")


def _parent(run: RunInput, parent: RunKeyInput) -> Iterator[Problem]:
    yield from name("parent.agent", parent.agent)
    yield from project("parent.project", parent.project)
    yield from name("parent.externalId", parent.external_id)
    if (parent.project, parent.agent, parent.external_id) == (run.project, run.agent, run.external_id):
        yield Problem("parent", "CONTRADICTION", "a run cannot have called itself.")
