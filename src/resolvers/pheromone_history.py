"""Pheromone scores hour by hour, without gaps: what is stored, and between that what has evaporated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from ..db import Database
from ..errors import BadInputError
from ..models.agent import FIRST_PHEROMONE_SCORE
from ..rollups.pheromone_formula import Formula
from .spans import HOUR, floor

MOST_DAYS = 90
HOURS_A_DAY = 24

KEPT = """
    SELECT o.place, p.starts_at, p.score, p.runs, p.reported
    FROM unnest($1::bigint[], $2::timestamptz[]) WITH ORDINALITY AS o (agent_id, since, place)
    CROSS JOIN LATERAL (
        (SELECT p.starts_at, p.score, p.runs, p.quality IS NULL AS reported FROM pheromone_hour p
        WHERE p.agent_id = o.agent_id AND p.starts_at < o.since ORDER BY p.starts_at DESC LIMIT 1)
        UNION ALL
        SELECT p.starts_at, p.score, p.runs, p.quality IS NULL FROM pheromone_hour p
        WHERE p.agent_id = o.agent_id AND p.starts_at >= o.since
        UNION ALL
        SELECT date_trunc('hour', a.pheromone_at, 'UTC'), a.pheromone_score, 0, true FROM agent_state a
        WHERE a.agent_id = o.agent_id AND a.pheromone_at IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM pheromone_hour p
            WHERE p.agent_id = a.agent_id AND p.starts_at >= date_trunc('hour', a.pheromone_at, 'UTC'))
    ) p
    ORDER BY o.place, p.starts_at"""
"""Of each agent the stored hours from one on, the last before, and a score that was reported after all of them."""


class PheromoneKey(NamedTuple):
    """The hours of an agent from one on."""

    agent_id: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A score at the end of an hour. It holds until the next one if it was `reported`, else it evaporates."""

    starts_at: datetime
    score: float
    runs: int
    reported: bool


@dataclass(frozen=True, slots=True)
class Point:
    """An hour of an agent: its score at the end (now, in the current one), and the runs that had a part in it."""

    from_: datetime
    to: datetime
    score: float
    interactions: int


def first_hour(days: int, now: datetime) -> datetime:
    """Of as many whole days, the current hour being the last. Raises BadInputError."""
    if not 1 <= days <= MOST_DAYS:
        raise BadInputError(f"days: {days} is not between 1 and {MOST_DAYS}.")
    return floor(now, HOUR) - (HOURS_A_DAY * days - 1) * HOUR


async def kept(db: Database, keys: Sequence[PheromoneKey]) -> list[list[Kept]]:
    """For each key what `points` takes, in order of time; all by one statement."""
    rows = await db.fetch(KEPT, [key.agent_id for key in keys], [key.since for key in keys])
    found: list[list[Kept]] = [[] for _ in keys]
    for place, starts_at, score, runs, reported in rows:
        found[place - 1].append(Kept(starts_at, score, runs, reported))
    return found


def in_steps(points: Sequence[Point], hours: int) -> list[Point]:
    """Of so many hours each, the last one ending as the points do: the score at the end, and all runs."""
    first = len(points) % hours
    parts = [points[:first], *(points[start : start + hours] for start in range(first, len(points), hours))]
    return [
        Point(part[0].from_, part[-1].to, part[-1].score, sum(point.interactions for point in part))
        for part in parts
        if part
    ]


def points(kept: Sequence[Kept], formula: Formula, since: datetime, now: datetime) -> list[Point]:
    """A point an hour. What is not over yet does not evaporate."""
    current = floor(now, HOUR)
    hours = [since + number * HOUR for number in range((current - since) // HOUR + 1)]
    return [
        Point(hour, hour + HOUR, _at(last, formula, hour, current), last.runs if last.starts_at == hour else 0)
        for hour, last in _each(kept, hours)
    ]


def scores(kept: Sequence[Kept], formula: Formula, since: datetime, now: datetime, *, every: int) -> list[float]:
    """The score of one in `every` so many hours, the current one last; the same as of `points`, where a few will do."""
    current = floor(now, HOUR)
    count = (current - since) // HOUR // every + 1
    hours = [current - (count - 1 - number) * every * HOUR for number in range(count)]
    return [_at(last, formula, hour, current) for hour, last in _each(kept, hours)]


def _each(kept: Sequence[Kept], hours: Sequence[datetime]) -> Iterator[tuple[datetime, Kept]]:
    """Each hour with what is stored last up to it."""
    ahead, last = iter(kept), Kept(hours[0], FIRST_PHEROMONE_SCORE, 0, reported=True)
    following = next(ahead, None)
    for hour in hours:
        while following is not None and following.starts_at <= hour:
            last, following = following, next(ahead, None)
        yield hour, last


def _at(kept: Kept, formula: Formula, hour: datetime, current: datetime) -> float:
    return _score(kept, formula, min(hour, current - HOUR) - kept.starts_at)


def _score(kept: Kept, formula: Formula, idle: timedelta) -> float:
    return kept.score if kept.reported else formula.evaporated(kept.score, idle)
