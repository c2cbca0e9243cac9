"""A run as it is written: the columns of `run` in the order of COPY, and how an input becomes one."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from ..errors import Problem
from ..models.run import CostSource, RunStatus
from .check import MAX_ERROR_MESSAGE
from .pricing import Prices
from .run_input import UNVERSIONED, RunInput

MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_DEPTH = 32

STATUSES: dict[str, int] = {status.name: int(status) for status in RunStatus}

REPORTED, ESTIMATED, UNKNOWN = (int(source) for source in CostSource)

_MILLISECOND = timedelta(milliseconds=1)
_TOO_DEEP = Problem("metadata", "TOO_DEEP", f"is nested deeper than {MAX_METADATA_DEPTH} levels.")
_encode = msgspec.json.Encoder().encode


class RunRow(msgspec.Struct, gc=False):
    """One row of `run`; its fields are the columns, in order. JSON columns are held as text.

    `batch_id` is given when the row is about to be written, after it was compared with what is stored (see ledger.py).
    """

    agent_id: int
    id: int
    started_at: datetime
    project_id: int
    version_id: int
    status: int
    external_id: str | None
    queued_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    model: str | None
    provider: str | None
    models: str | None
    tools: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    time_to_first_token_ms: int | None
    cost: Decimal | None
    cost_source: int
    error_type: str | None
    error_message: str | None
    initiator: str | None
    task_id: str | None
    trace_id: str | None
    span_id: str | None
    parent_agent_id: int | None
    parent_external_id: str | None
    session_id: str | None
    user_id: str | None
    input_length: int | None
    output_length: int | None
    files_created: int | None
    files_modified: int | None
    messages: int
    pheromone_score: float | None
    metadata: str | None
    provisional: int | None
    recorded_at: datetime
    batch_id: int | None = None


COLUMNS: tuple[str, ...] = RunRow.__struct_fields__

STARTED_AT_DERIVED, ENDED_AT_DERIVED, DURATION_DERIVED, TOTAL_DERIVED, VERSION_DERIVED = 1, 2, 4, 8, 16
"""Bits of `provisional`: the caller did not state the field; it was computed from others or is a stand-in."""


def build(
    run: RunInput,
    *,
    run_id: int,
    agent_id: int,
    project_id: int,
    version_id: int,
    parent_agent_id: int | None,
    metadata: str | None,
    now: datetime,
) -> RunRow:
    """The row of an input that was found good; what was left out is computed, cost excepted (see `price`)."""
    status = STATUSES[run.status]
    duration = run.time_taken if run.duration_ms is None else round(run.duration_ms)
    started_at, ended_at, duration, derived = when(run.started_at, run.ended_at, duration, run.queued_at or now, status)
    total = run.total_tokens
    if total is None and (total := sum_tokens(run.input_tokens, run.output_tokens)) is not None:
        derived |= TOTAL_DERIVED
    if run.version == UNVERSIONED:
        derived |= VERSION_DERIVED
    first_token = run.time_to_first_token_ms
    message = run.error_message
    return RunRow(
        agent_id,
        run_id,
        started_at,
        project_id,
        version_id,
        status,
        run.external_id,
        run.queued_at,
        ended_at,
        duration,
        run.model or None,
        run.provider or None,
        _encode(run.models).decode() if run.models else None,
        _encode(run.tools).decode() if run.tools else None,
        run.input_tokens,
        run.output_tokens,
        total,
        run.cached_input_tokens,
        None if first_token is None else round(first_token),
        run.cost,
        UNKNOWN if run.cost is None else REPORTED,
        run.error_type or None,
        message[:MAX_ERROR_MESSAGE] if message else None,
        run.initiator or None,
        run.task_id or None,
        run.trace_id or None,
        run.span_id or None,
        parent_agent_id,
        None if run.parent is None else run.parent.external_id,
        run.session_id or None,
        run.user_id or None,
        run.input_length,
        run.output_length,
        run.files_created,
        run.files_modified,
        run.messages,
        run.pheromone_score,
        metadata,
        derived or None,
        now,
    )


def price(row: RunRow, prices: Prices) -> None:
    """Estimate the cost of a row whose caller reported none."""
    if row.cost_source == REPORTED or row.model is None:
        return
    row.cost = prices.estimate(
        model=row.model,
        provider=row.provider,
        at=row.started_at,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cached_input_tokens=row.cached_input_tokens,
    )
    row.cost_source = UNKNOWN if row.cost is None else ESTIMATED


def when(
    started: datetime | None, ended: datetime | None, duration: int | None, otherwise: datetime, status: int
) -> tuple[datetime, datetime | None, int | None, int]:
    """Start, end and duration in ms, each computed from the others where it was not stated, and the bits of those.

    Where nothing says when the run started, its end or `otherwise` stands in. Two messages about one run can
    contradict each other (their clocks differ); a length is never negative.
    """
    if started is None:
        if ended is not None and duration is not None:
            return ended - timedelta(milliseconds=duration), ended, duration, STARTED_AT_DERIVED
        return ended or otherwise, ended, duration, STARTED_AT_DERIVED
    if duration is None and ended is not None:
        return started, ended, max(0, round((ended - started) / _MILLISECOND)), DURATION_DERIVED
    if ended is None and duration is not None and status >= RunStatus.SUCCEEDED:
        return started, started + timedelta(milliseconds=duration), duration, ENDED_AT_DERIVED
    return started, ended, duration, 0


def sum_tokens(input_tokens: int | None, output_tokens: int | None) -> int | None:
    if input_tokens is None and output_tokens is None:
        return None
    return (input_tokens or 0) + (output_tokens or 0)


def encode_metadata(metadata: Any) -> str | Problem | None:
    """The JSON text to store, or what is wrong with it. An empty object is stored as nothing."""
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        return Problem("metadata", "INVALID", f"must be a JSON object, not {type(metadata).__name__}.")
    try:
        encoded = _encode(metadata)
    except RecursionError:
        return _TOO_DEEP
    except UnicodeEncodeError:
        return Problem("metadata", "INVALID", "must not hold half of a surrogate pair (U+D800 to U+DFFF).")
    if len(encoded) > MAX_METADATA_BYTES:
        return Problem(
            "metadata",
            "TOO_LONG",
            f"has {len(encoded)} bytes as JSON; at most {MAX_METADATA_BYTES} are allowed.",
        )
    if encoded.count(b"[") + encoded.count(b"{") > MAX_METADATA_DEPTH and _depth(metadata) > MAX_METADATA_DEPTH:
        return _TOO_DEEP
    if b"\\u0000" in encoded and _holds_nul(metadata):
        return Problem("metadata", "NUL_CHARACTER", "must not hold a NUL character (U+0000).")
    return encoded.decode() if metadata else None


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_holds_nul(item) for item in value)


def _depth(value: Any) -> int:
    """Levels of objects and lists, counted without recursion."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [
            item
            for container in level
            for item in (container.values() if isinstance(container, dict) else container)
            if isinstance(item, dict | list)
        ]
    return depth
