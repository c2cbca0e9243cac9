"""How figures are written, in one place. What is unknown (None) is a dash, never a zero."""

from datetime import UTC, datetime
from decimal import Decimal

DASH = "–"
THIN_SPACE = "\u2009"

GOOD_SCORE = 0.7
FAIR_SCORE = 0.4

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def number(value: float | None) -> str:
    """A whole number with its thousands apart."""
    return DASH if value is None else f"{value:,.0f}".replace(",", THIN_SPACE)


def percent(fraction: float | None) -> str:
    """A fraction of 0..1 as per cent, with one decimal."""
    return DASH if fraction is None else f"{fraction * 100:.1f}{THIN_SPACE}%"


def duration(milliseconds: float | None) -> str:
    """A length of time in the unit in which it reads best."""
    if milliseconds is None:
        return DASH
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


def money(usd: Decimal | None) -> str:
    """USD with cents, and with as many more decimals as it takes to show a small amount."""
    if usd is None:
        return DASH
    places = 2 if not usd or abs(usd) >= 1 else max(2, 1 - usd.adjusted())
    return f"${usd:,.{places}f}".replace(",", THIN_SPACE)


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


def iso(at: datetime) -> str:
    """An instant for the `datetime` attribute."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


FILTERS = {f.__name__: f for f in (number, percent, duration, money, score, score_level, ago, utc, iso)}
