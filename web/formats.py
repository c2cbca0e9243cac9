"""How pages write what they show: figures as the API does, and scores and times."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

from formicary.models.run import RunStatus
from formicary.resolvers.formats import DASH, THIN_SPACE, duration, money, number, percent

__all__ = [
    "FILTERS",
    "ago",
    "compact",
    "duration",
    "error_level",
    "exact",
    "iso",
    "minute",
    "money",
    "number",
    "percent",
    "points",
    "raw",
    "score",
    "score_level",
    "size",
    "status_name",
    "success_level",
    "uptime",
    "utc",
]

GOOD_SCORE = 0.7
FAIR_SCORE = 0.4
GOOD_SUCCESS = 0.95
FAIR_SUCCESS = 0.8
MOST_ERRORS = 0.1

BYTE_UNITS = ("B", "kB", "MB", "GB", "TB")
THOUSANDS = ("", "k", "M", "G", "T")

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def score(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


def points(difference: float | None) -> str:
    """The difference of two rates."""
    return DASH if difference is None else f"{difference * 100:.1f}{THIN_SPACE}pts"


def score_level(value: float) -> str:
    """The name of the band that a score of 0..1 lies in; it is the colour's class and its word."""
    if value >= GOOD_SCORE:
        return "good"
    return "fair" if value >= FAIR_SCORE else "poor"


def success_level(rate: float | None) -> str | None:
    """The same of a success rate; None where there is none."""
    if rate is None:
        return None
    return "good" if rate >= GOOD_SUCCESS else "fair" if rate >= FAIR_SUCCESS else "poor"


def error_level(rate: float | None) -> str | None:
    """Of an error rate, which has a colour only where it is too high."""
    return "poor" if rate is not None and rate > MOST_ERRORS else None


def compact(value: float | None) -> str:
    """A large number in two or three digits, where there is little room."""
    if value is None or abs(value) < 999.5:
        return number(value)
    power = next(p for p in range(1, len(THOUSANDS)) if abs(value) < 999.5 * 1000**p or p == len(THOUSANDS) - 1)
    scaled = value / 1000**power
    places = 1 if abs(scaled) < 9.95 else 0
    return f"{scaled:.{places}f}{THIN_SPACE}{THOUSANDS[power]}"


def uptime(seconds: float) -> str:
    """A length of time in its largest unit alone."""
    for unit, length in (("d", DAY), ("h", HOUR)):
        if seconds >= length:
            return f"{seconds // length:.0f}{THIN_SPACE}{unit}"
    return f"{seconds // MINUTE:.0f}{THIN_SPACE}m"


def status_name(status: RunStatus) -> str:
    """A run's status as a word."""
    return status.name.replace("_", " ").capitalize()


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago something was, in one unit; `static/formicary.js` keeps the same words up to date."""
    if at is None:
        return "Never"
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s ago"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min ago"
    return f"{seconds // HOUR} h ago" if seconds < DAY else f"{seconds // DAY} d ago"


def utc(at: datetime) -> str:
    """An instant for a person."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@lru_cache(1_000)
def minute(at: datetime) -> str:
    """The start of a step of a chart, in UTC. The charts of a page have their steps in common."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def iso(at: datetime) -> str:
    """An instant for the `datetime` attribute."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exact(at: datetime) -> str:
    """An instant to the microsecond, as short as that can be, for addresses."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def size(count: int) -> str:
    """Bytes, in the unit in which they read best; a kB is 1,000 of them."""
    power = next(p for p in range(len(BYTE_UNITS)) if count < 999.5 * 1000**p or p == len(BYTE_UNITS) - 1)
    scaled = count / 1000**power
    return f"{scaled:.{0 if power == 0 or scaled >= 99.95 else 1}f}{THIN_SPACE}{BYTE_UNITS[power]}"


def raw(value: float | Decimal | None) -> str:
    """A figure for a program: of a table's cell, for charts and CSV."""
    return "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


FILTERS = {
    f.__name__: f
    for f in (
        *(number, compact, percent, duration, uptime, money, size),
        *(score, score_level, success_level, error_level),
        *(status_name, ago, utc, iso, minute, raw),
    )
}
