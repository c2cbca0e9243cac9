"""The sums of a cell, in SQL: of runs, and of cells that are put together. Both halves of a figure come from here.

`r` is a row of `run`, `c` a row of a table of cells (models/cell.py). Histograms and sets are left to who needs them,
since putting those together takes more than an aggregate.
"""

from collections.abc import Iterable

from .histogram import COUNT_BITS, LARGEST, MOST

TIMED = "r.status IN (2, 3, 5) AND r.duration_ms IS NOT NULL"
"""Whether the duration of a run counts: it succeeded, failed or timed out, and has one."""

OF_RUNS: dict[str, str] = {
    "runs": "count(*)",
    "timed_runs": f"count(*) FILTER (WHERE {TIMED})",
    "token_runs": "count(r.total_tokens)",
    "estimated_runs": "count(*) FILTER (WHERE r.cost_source = 1)",
    "unknown_runs": "count(*) - count(r.cost)",
    "scored_runs": "count(r.pheromone_score)",
    "files_created": "coalesce(sum(r.files_created), 0)",
    "files_modified": "coalesce(sum(r.files_modified), 0)",
    "messages": "sum(r.messages)",
    "input_tokens": "coalesce(sum(r.input_tokens), 0)::bigint",
    "output_tokens": "coalesce(sum(r.output_tokens), 0)::bigint",
    "total_tokens": "coalesce(sum(r.total_tokens), 0)::bigint",
    "duration_ms": f"coalesce(sum(r.duration_ms) FILTER (WHERE {TIMED}), 0)::bigint",
    "min_duration_ms": f"min(r.duration_ms) FILTER (WHERE {TIMED})",
    "max_duration_ms": f"max(r.duration_ms) FILTER (WHERE {TIMED})",
    "cost": "coalesce(sum(r.cost), 0)",
    "score": "coalesce(sum(r.pheromone_score::numeric), 0)",
}
"""By column, the aggregate over runs."""

OF_CELLS: dict[str, str] = {
    column: f"min(c.{column})" if column.startswith("min_")
    else f"max(c.{column})" if column.startswith("max_")
    else f"sum(c.{column})" if column in {"cost", "score"}
    else f"sum(c.{column})::bigint"
    for column in OF_RUNS
}  # fmt: skip
"""By column, the aggregate over cells."""


def bucket_entry(number: str, bounds: str) -> str:
    """SQL for the histogram entry of one number (a bigint expression); `bounds` is the parameter with BOUNDS."""
    return f"(width_bucket(least({number}, {LARGEST}) - 1, {bounds}::bigint[]) << {COUNT_BITS} | 1)"


MICRO_USD = f"least(round(r.cost * 1000000), {LARGEST})::bigint"
"""What a run's cost counts as in the histogram of costs."""

USER = "hashtextextended(r.user_id, 0)"
SESSION = "hashtextextended(r.session_id, 0)"

DIMENSIONS = ("version_id", "status", "model", "provider", "error_type")
KEY = ("agent_id", "starts_at", *DIMENSIONS)
"""What a cell of an agent is of."""

LISTS = ("durations", "costs", "users", "sessions")
"""The columns of a cell that hold what no sum tells: histograms and sets."""

COLUMNS = (*OF_RUNS, *LISTS)

HOUR_OF_RUN = "date_bin('1 hour', r.started_at, '2000-01-01 00:00+00')"
DAY_OF_CELL = "date_bin('1 day', c.starts_at, '2000-01-01 00:00+00')"

READ = (
    "agent_id",
    "id",
    "started_at",
    "project_id",
    "version_id",
    "status",
    "duration_ms",
    "model",
    "provider",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cost",
    "cost_source",
    "error_type",
    "error_message",
    "session_id",
    "user_id",
    "files_created",
    "files_modified",
    "messages",
    "pheromone_score",
    "batch_id",
)
"""The columns of `run` that cells are made of."""


def key_of_runs() -> str:
    """SQL for the columns of `KEY`, of a run."""
    return (
        f"r.agent_id, {HOUR_OF_RUN} AS starts_at, r.version_id, r.status, coalesce(r.model, '') AS model,"
        " coalesce(r.provider, '') AS provider, coalesce(r.error_type, '') AS error_type"
    )


def hours_of_runs(bounds: str, further: str = "") -> str:
    """A SELECT of one cell a key and hour from the runs `r`, its histograms an entry a run; to be followed by FROM.

    `bounds` is the parameter with BOUNDS, `further` are aggregates that are wanted besides.
    """
    sums = ", ".join(f"{sum_} AS {column}" for column, sum_ in OF_RUNS.items())
    return f"""SELECT {key_of_runs()}, {sums}{further},
            array_agg({bucket_entry("r.duration_ms", bounds)}) FILTER (WHERE {TIMED}) AS durations,
            array_agg({bucket_entry(MICRO_USD, bounds)}) FILTER (WHERE r.cost IS NOT NULL) AS costs,
            array_agg(DISTINCT {USER}) FILTER (WHERE r.user_id IS NOT NULL) AS users,
            array_agg(DISTINCT {SESSION}) FILTER (WHERE r.session_id IS NOT NULL) AS sessions"""


def merged(key: Iterable[str]) -> str:
    """CTEs that put cells with the same key together; they read `part`, a CTE of cells, and end in `cell`.

    A bucket that holds more than an entry can say takes several entries. The joins are FULL ones because PostgreSQL,
    which expects few rows here, would compare each row with each for a LEFT one; they come to the same.
    """
    names = ", ".join(key)
    sums = ", ".join(f"{sum_} AS {column}" for column, sum_ in OF_CELLS.items())
    joins = "".join(f"\n        FULL JOIN {name} ON {name}.number = s.number" for name in LISTS)
    return f"""numbered AS MATERIALIZED (
        SELECT dense_rank() OVER (ORDER BY {names}) AS number, c.* FROM part c
    ), summed AS (
        SELECT c.number, {names}, {sums} FROM numbered c GROUP BY c.number, {names}
    ), {_merged_histogram("durations")}, {_merged_histogram("costs")}, {_merged_set("users")}, {
        _merged_set("sessions")
    }, cell AS MATERIALIZED (
        SELECT {names}, {", ".join(OF_RUNS)}, {", ".join(f"{name}.value AS {name}" for name in LISTS)}
        FROM summed s{joins}
    )"""


def _merged_histogram(name: str) -> str:
    return f"""{name} AS (
        SELECT b.number, array_agg((b.bucket << {COUNT_BITS}) | least(b.count - i * {MOST}, {MOST})::integer
            ORDER BY b.bucket) AS value
        FROM (
            SELECT c.number, e >> {COUNT_BITS} AS bucket, sum(e & {MOST}) AS count
            FROM numbered c CROSS JOIN LATERAL unnest(c.{name}) AS e GROUP BY 1, 2
        ) b CROSS JOIN LATERAL generate_series(0, ((b.count - 1) / {MOST})::integer) AS i
        GROUP BY b.number
    )"""


def _merged_set(name: str) -> str:
    return f"""{name} AS (
        SELECT c.number, array_agg(DISTINCT e) AS value
        FROM numbered c CROSS JOIN LATERAL unnest(c.{name}) AS e GROUP BY 1
    )"""
