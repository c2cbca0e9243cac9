"""Messages about one run made one row, the same whatever order the stages of the run come in.

A message has a stage: QUEUED, RUNNING or final. For each field the message of the latest stage that states it
counts. Only where messages of one stage state a field differently the order among these decides: the one that
came last counts. Of several final statuses it is the first: a final status is never taken back. What was not stated
is computed anew from what was.

The row itself remembers what that takes, in `provisional`: a bit for each field that nobody stated (see row.py),
and above these a digit of base 3 for each field, which says from how far before the final stage it stems.
"""

import msgspec

from ..models.run import RunStatus
from .pricing import Prices
from .row import (
    DURATION_DERIVED,
    ENDED_AT_DERIVED,
    REPORTED,
    STARTED_AT_DERIVED,
    TOTAL_DERIVED,
    UNKNOWN,
    VERSION_DERIVED,
    RunRow,
    price,
    sum_tokens,
    when,
)

_FINAL = int(RunStatus.SUCCEEDED)

_FIELDS = (
    "started_at",
    "ended_at",
    "duration_ms",
    "total_tokens",
    "version_id",
    "queued_at",
    "model",
    "provider",
    "models",
    "tools",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "time_to_first_token_ms",
    "cost",
    "error_type",
    "error_message",
    "initiator",
    "task_id",
    "trace_id",
    "span_id",
    "parent_agent_id",
    "parent_external_id",
    "session_id",
    "user_id",
    "input_length",
    "output_length",
    "files_created",
    "files_modified",
    "messages",
    "pheromone_score",
    "metadata",
)
"""What a message may state. The positions are stored (in `provisional`): new fields go to the end."""

_PLACES: dict[str, int] = {field: 32 * 3**position for position, field in enumerate(_FIELDS)}
"""Of each field's digit; a bigint has room for 36 fields."""

_DERIVED = {
    "started_at": STARTED_AT_DERIVED,
    "ended_at": ENDED_AT_DERIVED,
    "duration_ms": DURATION_DERIVED,
    "total_tokens": TOTAL_DERIVED,
    "version_id": VERSION_DERIVED,
}
_JSON_FIELDS = frozenset({"models", "tools", "metadata"})
_PRICED_BY = ("model", "provider", "input_tokens", "output_tokens", "cached_input_tokens", "started_at")


def mark_unfinished(row: RunRow) -> None:
    """Note of what a QUEUED or RUNNING message stated that it stems from there."""
    digit = _FINAL - _stage(row)
    stated = sum(digit * _PLACES[field] for field in _FIELDS if _states(row, field))
    row.provisional = (row.provisional or 0) + stated or None


def merge(stored: RunRow, message: RunRow, prices: Prices) -> RunRow:
    """The row after a further message about its run; equal to `stored` where that says nothing new."""
    merged: RunRow = msgspec.structs.replace(stored)
    provisional = stored.provisional or 0
    stage = _stage(message)
    for field in _FIELDS:
        if _states(message, field) and (not _states(stored, field) or stage >= _stage_of(stored, field)):
            if not _same(field, getattr(stored, field), getattr(message, field)):
                setattr(merged, field, getattr(message, field))
            provisional = _sourced(provisional, field, stage)
    if stage >= _stage(stored) and _stage(stored) < _FINAL:
        merged.status = message.status
    merged.provisional = provisional or None
    _derive(merged)
    _price(merged, stored, message, prices)
    return merged


def replace(stored: RunRow, whole: RunRow) -> RunRow:
    """The row after a message that says all there is to say of its run; equal to `stored` where nothing is new.

    What it leaves out is unknown from now on, and even a final status is taken back. An estimate stands as long as
    what it was made of.
    """
    replaced: RunRow = msgspec.structs.replace(
        whole, id=stored.id, recorded_at=stored.recorded_at, batch_id=stored.batch_id
    )
    for field in _JSON_FIELDS:
        if _same(field, getattr(stored, field), getattr(whole, field)):
            setattr(replaced, field, getattr(stored, field))
    estimated = REPORTED not in (stored.cost_source, whole.cost_source)
    if estimated and all(getattr(stored, field) == getattr(whole, field) for field in _PRICED_BY):
        replaced.cost, replaced.cost_source = stored.cost, stored.cost_source
    return replaced


def _stage(row: RunRow) -> int:
    return min(row.status, _FINAL)


def _stage_of(row: RunRow, field: str) -> int:
    """The stage of the message that stated a field of the row."""
    return _FINAL - _digit(row.provisional or 0, field)


def _states(row: RunRow, field: str) -> bool:
    """Whether the field was stated, rather than left out, defaulted or computed."""
    value = getattr(row, field)
    if field == "messages":
        return bool(value != 1)
    if field == "cost":
        return row.cost_source == REPORTED
    return value is not None and not (row.provisional or 0) & _DERIVED.get(field, 0)


def _same(field: str, stored: object, stated: object) -> bool:
    """JSON columns come back from the database formatted anew, so they are compared by what they say."""
    if field in _JSON_FIELDS and isinstance(stored, str) and isinstance(stated, str):
        return bool(msgspec.json.decode(stored) == msgspec.json.decode(stated))
    return stored == stated


def _sourced(provisional: int, field: str, stage: int) -> int:
    provisional &= ~_DERIVED.get(field, 0)
    return provisional + (_FINAL - stage - _digit(provisional, field)) * _PLACES[field]


def _digit(provisional: int, field: str) -> int:
    return provisional // _PLACES[field] % 3


def _derive(row: RunRow) -> None:
    """Compute again what nobody stated."""
    bits = row.provisional or 0
    row.started_at, row.ended_at, row.duration_ms, derived = when(
        None if bits & STARTED_AT_DERIVED else row.started_at,
        None if bits & ENDED_AT_DERIVED else row.ended_at,
        None if bits & DURATION_DERIVED else row.duration_ms,
        row.queued_at or row.recorded_at,
        row.status,
    )
    if bits & TOTAL_DERIVED or row.total_tokens is None:
        row.total_tokens = sum_tokens(row.input_tokens, row.output_tokens)
        derived |= 0 if row.total_tokens is None else TOTAL_DERIVED
    recomputed = STARTED_AT_DERIVED | ENDED_AT_DERIVED | DURATION_DERIVED | TOTAL_DERIVED
    row.provisional = (bits & ~recomputed) | derived or None


def _price(merged: RunRow, stored: RunRow, message: RunRow, prices: Prices) -> None:
    if message.cost_source == REPORTED:
        merged.cost_source = REPORTED
    if merged.cost_source != REPORTED and any(getattr(merged, field) != getattr(stored, field) for field in _PRICED_BY):
        merged.cost, merged.cost_source = None, UNKNOWN
        price(merged, prices)
