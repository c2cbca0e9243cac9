"""Sparklines: a figure over time as a small drawing, made on the server."""

from collections.abc import Sequence
from itertools import groupby

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 100, 24, 2


def sparkline(values: Sequence[float | None], *, least: float | None = None, most: float | None = None) -> Markup:
    """An SVG of the values at even steps; what is unknown leaves a gap, and a lone value is a dot.

    `least` and `most` bound the scale; without them the values do, from 0 on where none is negative.
    """
    known = [value for value in values if value is not None]
    if not known:
        return Markup("")
    low = min(0, *known) if least is None else least
    high = max(known) if most is None else most
    points = [None if value is None else _point(i, len(values), value, low, high) for i, value in enumerate(values)]
    path = "".join(_stroke(list(run)) for is_known, run in groupby(points, lambda p: p is not None) if is_known)
    return Markup(
        '<svg class="sparkline" viewBox="0 0 {} {}" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="sparkline-line" d="{}"/></svg>'
    ).format(WIDTH, HEIGHT, path)


def _point(place: int, places: int, value: float, low: float, high: float) -> tuple[float, float]:
    x = WIDTH * (place / (places - 1) if places > 1 else 0.5)
    share = (value - low) / (high - low) if high > low else 0.0
    return x, HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


def _stroke(points: Sequence[tuple[float, float] | None]) -> str:
    steps = [f"{x:.1f} {y:.1f}" for x, y in filter(None, points)]
    return f"M{steps[0]}" + "".join(f"L{step}" for step in steps[1:] or ["{} {}".format(*steps[0].split())])
