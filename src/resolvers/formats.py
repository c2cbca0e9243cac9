"""How figures are written, in one place: for the pages, and where the API gives a figure as a text.

What is unknown (None) is a dash, never a zero.
"""

from decimal import Decimal

DASH = "–"
THIN_SPACE = "\u2009"

MINUTE = 60
HOUR = 60 * MINUTE


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
