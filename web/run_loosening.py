"""What to loosen where a list of runs is empty: each condition that alone keeps runs out, and longer ranges."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from formicary.resolvers import run_total

from .period import PRESETS, Period
from .run_conditions import conditions
from .run_query import where
from .visit import Visit

MOST_CONDITIONS = 6
LONGER = ("7d", "90d")


@dataclass(frozen=True, slots=True)
class Loosening:
    """Where there are runs, the address of their list, and how many they are."""

    advice: str
    href: str
    runs: int


async def loosenings(visit: Visit) -> list[Loosening]:
    """Those that give runs, the most first."""
    choices = [*_without_one(visit), *_longer(visit)]
    found = await asyncio.gather(*(_loosening(*choice) for choice in choices))
    return sorted((each for each in found if each.runs), key=lambda each: -each.runs)


async def _loosening(advice: str, href: str, visit: Visit) -> Loosening:
    total = await run_total.total(visit.database, visit.scope, where(visit))
    return Loosening(advice, href, total.runs)


def _without_one(visit: Visit) -> Iterator[tuple[str, str, Visit]]:
    place = visit.place
    for each in conditions(place)[:MOST_CONDITIONS]:
        loosened = replace(place, params=each.params_without(place.params))
        yield f"without the filter “{each.label}”", each.href_without(place), replace(visit, place=loosened)
    if place.project is not None:
        yield "in all projects", place.here(project=None), replace(visit, place=replace(place, project=None))


def _longer(visit: Visit) -> Iterator[tuple[str, str, Visit]]:
    place, range_ = visit.place, visit.range
    for preset in LONGER:
        if visit.now - PRESETS[preset] < range_.from_:
            period = Period(preset)
            yield (
                f"in the {period.label}",
                place.here(range=preset),
                replace(visit, place=replace(place, period=period)),
            )
