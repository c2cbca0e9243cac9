"""The sums that Prometheus is shown, in SQL: what the totals of agents come to by status, error type and model.

They are kept apart from the totals because these are by all of it and by version, which can be a hundred times as
many rows: too many to be put together for every scrape.
"""

from ..models.series import SeriesKind

KEY = ("agent_id", "kind", "status", "error_type", "model", "provider")
COUNTERS = (
    "runs",
    "timed_runs",
    "duration_ms",
    "le_100",
    "le_500",
    "le_1000",
    "le_2000",
    "le_5000",
    "le_10000",
    "le_30000",
    "le_60000",
    "input_tokens",
    "output_tokens",
    "cost",
)


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
    key = ", ".join(KEY)
    sums = ", ".join(f"sum(t.{column}) AS {column}" for column in COUNTERS)
    return f"""INSERT INTO run_series ({key}, {", ".join(COUNTERS)})
        SELECT {key}, {", ".join(COUNTERS)}
        FROM (
            SELECT t.agent_id, k.kind, k.status, k.error_type, k.model, k.provider, {sums}
            FROM {totals} t CROSS JOIN LATERAL (VALUES
                ({SeriesKind.STATUS:d}::smallint, t.status, '', '', ''),
                ({SeriesKind.ERROR:d}::smallint, 0::smallint, t.error_type, '', ''),
                ({SeriesKind.MODEL:d}::smallint, 0::smallint, '', t.model, t.provider)
            ) AS k (kind, status, error_type, model, provider)
            WHERE k.kind <> {SeriesKind.ERROR:d} OR t.status IN (3, 5)
            GROUP BY 1, 2, 3, 4, 5, 6
        ) s
        WHERE {" OR ".join(f"{column} <> 0" for column in COUNTERS)}
        ORDER BY {key}
        ON CONFLICT ON CONSTRAINT run_series_pkey DO UPDATE SET
            {", ".join((*map(_counted, COUNTERS), *map(_held, COUNTERS)))}"""


def shown(column: str) -> str:
    """What Prometheus is shown of a counter of `s`, a row of `run_series`."""
    return f"greatest(s.{column}, s.held_{column})"
