"""The sums that Prometheus is shown, in SQL: what the totals of agents come to by status, error type and model.

They are kept apart from the totals because these are by all of it and by version, which can be a hundred times as
many rows: too many to be put together for every scrape.
"""

from typing import NamedTuple

from ..models.series import SeriesKind
from .histogram import PROMETHEUS_MS

KEY = ("agent_id", "kind", "status", "error_type", "model", "provider")
UP_TO = tuple(f"le_{bound}" for bound in PROMETHEUS_MS)
COUNTERS = ("runs", "timed_runs", "duration_ms", *UP_TO, "input_tokens", "output_tokens", "cost")


class _Kind(NamedTuple):
    """What rows of a kind hold of the key, and which counters; the others are 0."""

    key: tuple[str, ...]
    counters: tuple[str, ...]
    condition: str = "true"


KINDS = {
    SeriesKind.STATUS: _Kind(("status",), ("runs", "timed_runs", "duration_ms", *UP_TO)),
    SeriesKind.ERROR: _Kind(("error_type",), ("runs",), "status IN (3, 5)"),
    SeriesKind.MODEL: _Kind(("model", "provider"), ("runs", "input_tokens", "output_tokens", "cost")),
}


def _sums(kind: SeriesKind, totals: str) -> str:
    key, counters, condition = KINDS[kind]
    labels = (name if name in key else "0" if name == "status" else "''" for name in KEY[2:])
    sums = (f"sum({name})" if name in counters else "0" for name in COUNTERS)
    return f"""SELECT agent_id, {kind:d}::smallint, {", ".join((*labels, *sums))} FROM {totals} WHERE {condition}
            GROUP BY {", ".join(("agent_id", *key))} HAVING {" OR ".join(f"sum({name}) <> 0" for name in counters)}"""


def _counted(column: str) -> str:
    return f"{column} = run_series.{column} + excluded.{column}"


def _held(column: str) -> str:
    """What is about to fall was shown as it is now, or as it was held before."""
    return (
        f"held_{column} = CASE WHEN excluded.{column} < 0 THEN greatest(run_series.{column}, run_series.held_{column})"
        f" ELSE run_series.held_{column} END"
    )


def add_series(totals: str) -> str:
    """An INSERT that adds `totals`, a FROM item with the columns of `run_total`; they are negative to take back.

    Each of them is counted by its status, by its error type if it is of failed runs, and by its model.
    """
    selects = " UNION ALL\n        ".join(_sums(kind, totals) for kind in SeriesKind)
    return f"""INSERT INTO run_series ({", ".join((*KEY, *COUNTERS))})
        {selects}
        ORDER BY 1, 2, 3, 4, 5, 6
        ON CONFLICT ON CONSTRAINT run_series_pkey DO UPDATE SET
            {", ".join((*map(_counted, COUNTERS), *map(_held, COUNTERS)))}"""


def shown(column: str) -> str:
    """What Prometheus is shown of a counter of `s`, a row of `run_series`."""
    return f"greatest(s.{column}, s.held_{column})"
