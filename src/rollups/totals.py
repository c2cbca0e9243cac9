"""The totals of an agent since ever, in SQL: what its cells come to, as Prometheus wants it."""

from .cells import DIMENSIONS, OF_RUNS, TIMED
from .histogram import BOUNDS, COUNT_BITS, MOST, PROMETHEUS_MS

KEY = ("agent_id", *DIMENSIONS)

_UP_TO = {f"le_{bound}": bound for bound in PROMETHEUS_MS}
SUMMED = tuple(column for column in OF_RUNS if column.partition("_")[0] not in {"min", "max", "score", "scored"})
COLUMNS = (*SUMMED, *_UP_TO)

OF_RUNS_UP_TO = "".join(
    f", count(*) FILTER (WHERE {TIMED} AND r.duration_ms <= {bound}) AS {column}" for column, bound in _UP_TO.items()
)
"""Aggregates over runs `r`, to follow others."""


def _counted(bound: int) -> str:
    first_above = (BOUNDS.index(bound) + 1) << COUNT_BITS
    return f"coalesce(sum(e & {MOST}) FILTER (WHERE e < {first_above}), 0)"


UP_TO_OF_CELL = (
    "LATERAL (SELECT "
    + ", ".join(f"{_counted(bound)} AS {column}" for column, bound in _UP_TO.items())
    + " FROM unnest(c.durations) AS e) up_to"
)
"""A FROM item with the counts up to each bound, of the histogram of a cell `c`."""


def add_totals(cells: str) -> str:
    """An INSERT that adds `cells`, a SELECT of `KEY` and `COLUMNS`; one row a key, in their order."""
    key = ", ".join(KEY)
    sums = ", ".join(f"sum({column})" for column in COLUMNS)
    return f"""INSERT INTO run_total ({key}, {", ".join(COLUMNS)})
        SELECT {key}, {sums} FROM ({cells}) c GROUP BY {key} ORDER BY {key}
        ON CONFLICT ON CONSTRAINT run_total_pkey DO UPDATE SET
            {", ".join(f"{column} = run_total.{column} + excluded.{column}" for column in COLUMNS)}"""
