"""How pages write what they show: figures as the API does, and scores and times."""

from datetime import UTC, datetime
from decimal import Decimal

from formicary.resolvers.formats import DASH, duration, money, number, percent

__all__ = [
    "FILTERS",
    "ago",
    "duration",
    "exact",
    "iso",
    "minute",
    "money",
    "number",
    "percent",
    "raw",
    "score",
    "score_level",
    "utc",
]

GOOD_SCORE = 0.7
FAIR_SCORE = 0.4

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def score(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"


def score_level(value: float) -> str:
    """The name of the band that a score of 0..1 lies in; it is the colour's class and its word."""
    if value >= GOOD_SCORE:
        return "good"
    return "fair" if value >= FAIR_SCORE else "poor"


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


def minute(at: datetime) -> str:
    """The start of a step of a chart, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def iso(at: datetime) -> str:
    """An instant for the `datetime` attribute."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def exact(at: datetime) -> str:
    """An instant to the microsecond, as short as that can be, for addresses."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def raw(value: float | Decimal | None) -> str:
    """A figure for a program: of a table's cell, for charts and CSV."""
    return "" if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


FILTERS = {f.__name__: f for f in (number, percent, duration, money, score, score_level, ago, utc, iso, minute, raw)}
