"""Marks of what is to be made anew, in SQL (see models/rollup.py).

Everybody sets marks in the order of their key, and so waits for others but never in a circle. Who takes a mark away
leaves those that somebody holds for later.
"""

from collections.abc import Iterable
from datetime import datetime

from asyncpg import Record

from ..models.rollup import Tier

# The tiers grow by leaps when much is made at once, and until they are analysed PostgreSQL takes them for small enough
# to be read as a whole, even for each of many owners.
BY_KEY = "SET LOCAL enable_seqscan = off"
"""Before statements that go by the keys of owners."""

ABOVE_HOURS = (Tier.DAY, Tier.PROJECT_HOUR, Tier.PROJECT_DAY, Tier.PHEROMONE)
"""What is made of an agent's hours."""


def mark(marks: str) -> str:
    """An INSERT of marks, a SELECT of tier, owner and start; none may be on its way out at the same time."""
    return f"""INSERT INTO rollup_stale (tier, owner_id, starts_at)
        SELECT DISTINCT m.tier, m.owner_id, m.starts_at FROM ({marks}) m
        ORDER BY m.tier, m.owner_id, m.starts_at
        ON CONFLICT ON CONSTRAINT rollup_stale_pkey DO NOTHING"""


def marks_of_hours(hours: str, tiers: tuple[Tier, ...] = ABOVE_HOURS) -> str:
    """A SELECT of marks for `hours`, a SELECT of agent_id, project_id and starts_at."""
    values = ", ".join(f"({tier:d}::smallint)" for tier in tiers)
    return f"""SELECT t.tier,
            CASE WHEN t.tier IN ({Tier.PROJECT_HOUR:d}, {Tier.PROJECT_DAY:d}) THEN h.project_id ELSE h.agent_id END
                AS owner_id,
            CASE WHEN t.tier IN ({Tier.DAY:d}, {Tier.PROJECT_DAY:d})
                THEN date_bin('1 day', h.starts_at, '2000-01-01 00:00+00') ELSE h.starts_at END AS starts_at
        FROM ({hours}) h CROSS JOIN (VALUES {values}) AS t (tier)"""


def owners_and_starts(marks: Iterable[Record]) -> tuple[list[int], list[datetime]]:
    """Parameters for marks that were read: two arrays that belong together."""
    pairs = [(mark["owner_id"], mark["starts_at"]) for mark in marks]
    return [owner for owner, _ in pairs], [starts_at for _, starts_at in pairs]
