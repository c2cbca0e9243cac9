"""The sums of a cell, in SQL: of runs, and of cells that are put together. Both halves of a figure come from here.

`r` is a row of `run`, `c` a row of a table of cells (models/cell.py). Histograms and sets are left to who needs them,
since putting those together takes more than an aggregate.
"""

from .histogram import COUNT_BITS, LARGEST

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


MICRO_USD = "round(r.cost * 1000000)::bigint"
"""What a run's cost counts as in the histogram of costs."""

USER = "hashtextextended(r.user_id, 0)"
SESSION = "hashtextextended(r.session_id, 0)"
