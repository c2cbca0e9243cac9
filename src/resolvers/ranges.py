"""Ranges of time as callers give them, and as they are meant."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..errors import BadInputError
from . import sql_value

LONGEST = timedelta(days=400)
MILLISECONDS_OF_A_DAY = 86_400_000


@dataclass(frozen=True, slots=True)
class TimeRange:
    """Both ends, or `last` (milliseconds) counted back from now, or `from_` alone up to now."""

    last: int | None = None
    from_: datetime | None = None
    to: datetime | None = None


@dataclass(frozen=True, slots=True)
class ResolvedRange:
    """From `from_` (included) to `to` (not included)."""

    from_: datetime
    to: datetime


def resolve(range_: TimeRange, now: datetime | None = None) -> ResolvedRange:
    """The range that is meant. Raises BadInputError for contradictions and for more than 400 days."""
    now = now or datetime.now(UTC)
    if range_.last is not None:
        return _last(range_, now)
    if range_.from_ is None:
        raise BadInputError("range: give `last`, or `from` with or without `to`.")
    return _checked(_in_utc("from", range_.from_), _in_utc("to", range_.to or now))


def _last(range_: TimeRange, now: datetime) -> ResolvedRange:
    if range_.from_ is not None or range_.to is not None:
        raise BadInputError("range: give either `last` or `from` and `to`, not both.")
    last = range_.last or 0
    if last <= 0:
        raise BadInputError(f"range.last: {last:,} ms is not longer than nothing.")
    if last > LONGEST.days * MILLISECONDS_OF_A_DAY:
        raise _too_long("range.last", last / MILLISECONDS_OF_A_DAY)
    return ResolvedRange(now - timedelta(milliseconds=last), now)


def _in_utc(end: str, moment: datetime) -> datetime:
    try:
        return sql_value.in_utc(moment)
    except OverflowError:
        raise BadInputError(f"range.{end}: {moment.isoformat()} is not in the years 1 to 9999 of UTC.") from None


def _checked(start: datetime, end: datetime) -> ResolvedRange:
    if start > end:
        raise BadInputError(f"range: `from` ({start.isoformat()}) is after `to` ({end.isoformat()}).")
    if end - start > LONGEST:
        raise _too_long("range", (end - start) / timedelta(days=1))
    return ResolvedRange(start, end)


def _too_long(field: str, days: float) -> BadInputError:
    return BadInputError(f"{field}: {days:,.6g} days are more than the {LONGEST.days} that are allowed.")
