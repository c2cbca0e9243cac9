"""The columns of a cell, in SQL: of runs, of cells that are put together, and as they are kept.

`r` is a row of `run`, `c` a cell. A cell is whole, with every column that `COLUMNS` names, or kept, as a row of one of
the tables (models/cell.py), which leaves out what its other columns say already: `STORED` and `held` are the ways from
one to the other.
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


def micro_usd(cost: str) -> str:
    """SQL for what a cost counts as in the histogram of costs."""
    return f"least(round({cost} * 1000000), {LARGEST})::bigint"


USER = "(hashtextextended(r.user_id, 0) & -2)"
SESSION = "(hashtextextended(r.session_id, 0) | 1)"
"""How they stand among the visitors of a cell: as hashes, whose lowest bit tells one kind from the other."""

IS_USER = "e & 1 = 0"
IS_SESSION = "e & 1 = 1"
"""Of an element `e` of these."""

DIMENSIONS = ("version_id", "status", "model", "provider", "error_type")
KEY = ("agent_id", "starts_at", *DIMENSIONS)
"""What a cell of an agent is of."""

COLUMNS = (*OF_RUNS, "durations", "costs", "visitors")
"""What it says of them: sums, two histograms and a set."""

OF_DAYS = (*OF_RUNS, "durations", "costs")
OF_PROJECTS = (*OF_RUNS, "durations")
"""What the cells of days and of projects say. Sets of visitors hardly get smaller by being put together, so those are
kept by hour and agent; nobody asks for the costs of projects one by one."""

_OFTEN_ZERO = ("estimated_runs", "unknown_runs", "scored_runs", "files_created", "files_modified", "score")
_TIMED_RUNS = "coalesce(c.timed_runs, c.runs)"

STORED: dict[str, str] = {
    **{column: f"c.{column}" for column in COLUMNS},
    **{column: f"nullif(c.{column}, 0)" for column in _OFTEN_ZERO},
    "timed_runs": "nullif(c.timed_runs, c.runs)",
    "token_runs": "nullif(c.token_runs, c.runs)",
    "total_tokens": "nullif(c.total_tokens, c.input_tokens + c.output_tokens)",
    "duration_ms": "CASE WHEN c.timed_runs > 0 THEN c.duration_ms END",
    "min_duration_ms": "nullif(c.min_duration_ms, c.duration_ms)",
    "max_duration_ms": "nullif(c.max_duration_ms, c.duration_ms)",
    "durations": "CASE WHEN c.timed_runs > 2 THEN c.durations END",
    "costs": "CASE WHEN c.runs - c.unknown_runs > 1 THEN c.costs END",
    "visitors": "CASE WHEN cardinality(c.visitors) > 2 THEN c.visitors END",
    "visitor": "CASE WHEN cardinality(c.visitors) <= 2 THEN c.visitors[1] END",
    "other_visitor": "CASE WHEN cardinality(c.visitors) <= 2 THEN c.visitors[2] END",
}
"""By column, what is kept of a whole cell. Most are of one run or two, and there are millions of them."""

_HELD: dict[str, str] = {
    **{column: f"c.{column}" for column in COLUMNS},
    **{column: f"coalesce(c.{column}, 0)" for column in (*_OFTEN_ZERO, "duration_ms")},
    "timed_runs": _TIMED_RUNS,
    "token_runs": "coalesce(c.token_runs, c.runs)",
    "total_tokens": "coalesce(c.total_tokens, c.input_tokens + c.output_tokens)",
    "min_duration_ms": "coalesce(c.min_duration_ms, c.duration_ms)",
    "max_duration_ms": "coalesce(c.max_duration_ms, c.duration_ms)",
    "visitors": "coalesce(c.visitors, ARRAY[c.visitor, c.other_visitor])",  # nulls among them
}


def held(column: str, bounds: str = "") -> str:
    """SQL for what a kept cell says in one of `COLUMNS`. `bounds` is the parameter with BOUNDS, for histograms."""
    match column:
        case "durations":
            least, most = (bucket_entry(_HELD[name], bounds) for name in ("min_duration_ms", "max_duration_ms"))
            few = f"CASE {_TIMED_RUNS} WHEN 1 THEN ARRAY[{least}] WHEN 2 THEN ARRAY[{least}, {most}] END"
        case "costs":
            entry = bucket_entry(micro_usd("c.cost"), bounds)
            few = f"CASE WHEN c.runs - coalesce(c.unknown_runs, 0) = 1 THEN ARRAY[{entry}] END"
        case _:
            return _HELD[column]
    return f"coalesce(c.{column}, {few})"


def whole(columns: Iterable[str], bounds: str) -> str:
    """SQL for these columns of a kept cell, by their names."""
    return ", ".join(f"{held(column, bounds)} AS {column}" for column in columns)


def insert(table: str, key: Iterable[str] = KEY, columns: Iterable[str] = COLUMNS) -> str:
    """An INSERT of `cell`, a CTE of whole cells."""
    key, columns = tuple(key), tuple(columns)
    if "visitors" in columns:
        columns += ("visitor", "other_visitor")
    kept = (*(f"c.{name}" for name in key), *(STORED[column] for column in columns))
    return f"INSERT INTO {table} ({', '.join((*key, *columns))}) SELECT {', '.join(kept)} FROM cell c"


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


FEW = 64
"""Entries that are not worth putting together: of so many, four in five stand in buckets of their own."""


MINUTE_OF_RUN = "date_bin('1 minute', r.started_at, '2000-01-01 00:00+00')"


def minutes_of_projects(bounds: str) -> str:
    """CTEs that make whole cells by project, minute and status from the runs of `r`, a CTE; they end in `cell`."""
    return f"""gathered AS (
        SELECT r.project_id, {MINUTE_OF_RUN} AS starts_at, r.status, {_sums_of_runs()},
            {_all_durations(bounds)} AS all_durations
        FROM r GROUP BY 1, 2, 3
    ), cell AS (
        SELECT g.*, {_durations()} AS durations FROM gathered g
    )"""


def hours_of_runs(bounds: str, further: str = "") -> str:
    """CTEs that make whole cells by key and hour from the runs of `r`, a CTE; they end in `cell`.

    `bounds` is the parameter with BOUNDS, `further` are aggregates that are wanted besides. The first aggregates take
    no DISTINCT, for which all runs would have to be sorted.
    """
    return f"""gathered AS (
        SELECT {key_of_runs()}, {_sums_of_runs()}{further},
            {_all_durations(bounds)} AS all_durations,
            array_agg({bucket_entry(micro_usd("r.cost"), bounds)}) FILTER (WHERE r.cost IS NOT NULL) AS all_costs,
            array_agg({USER}) FILTER (WHERE r.user_id IS NOT NULL)
                || array_agg({SESSION}) FILTER (WHERE r.session_id IS NOT NULL) AS all_visitors
        FROM r GROUP BY 1, 2, 3, 4, 5, 6, 7
    ), cell AS MATERIALIZED (
        SELECT g.*,
            {_durations()} AS durations,
            CASE WHEN g.runs <= {FEW} THEN g.all_costs ELSE {_shorter("g.all_costs")} END AS costs,
            CASE WHEN g.runs = 1 THEN g.all_visitors
                ELSE (SELECT array_agg(DISTINCT e) FROM unnest(g.all_visitors) AS e) END AS visitors
        FROM gathered g
    )"""


def _sums_of_runs() -> str:
    return ", ".join(f"{sum_} AS {column}" for column, sum_ in OF_RUNS.items())


def _all_durations(bounds: str) -> str:
    return f"array_agg({bucket_entry('r.duration_ms', bounds)}) FILTER (WHERE {TIMED})"


def _durations() -> str:
    return f"CASE WHEN g.timed_runs <= {FEW} THEN g.all_durations ELSE {_shorter('g.all_durations')} END"


def _shorter(histogram: str) -> str:
    """SQL for a histogram in which a bucket stands once, or as often as it takes to say what it holds."""
    return f"""(
                SELECT array_agg({_entry("b.bucket", "b.count")} ORDER BY b.bucket)
                FROM (SELECT e >> {COUNT_BITS} AS bucket, sum(e & {MOST}) AS count
                    FROM unnest({histogram}) AS e GROUP BY 1) b
                CROSS JOIN LATERAL {_parts("b.count")})"""


def _entry(bucket: str, count: str) -> str:
    return f"({bucket}::bigint << {COUNT_BITS} | least({count} - i * {MOST}, {MOST})::bigint)::integer"


def _parts(count: str) -> str:
    return f"generate_series(0, (({count} - 1) / {MOST})::integer) AS i"


def merged(key: Iterable[str], columns: Iterable[str] = COLUMNS) -> str:
    """CTEs that put whole cells with the same key together; they read `part`, a CTE of cells, and end in `cell`.

    A bucket that holds more than an entry can say takes several entries. The joins are FULL ones because PostgreSQL,
    which expects few rows here, would compare each row with each for a LEFT one; they come to the same.
    """
    names = ", ".join(key)
    lists = [column for column in columns if column not in OF_RUNS]
    sums = ", ".join(f"{sum_} AS {column}" for column, sum_ in OF_CELLS.items())
    joins = "".join(f"\n        FULL JOIN {name} ON {name}.number = s.number" for name in lists)
    made = "".join(f", {_merged_set(name) if name == 'visitors' else _merged_histogram(name)}" for name in lists)
    return f"""numbered AS MATERIALIZED (
        SELECT dense_rank() OVER (ORDER BY {names}) AS number, c.* FROM part c
    ), summed AS (
        SELECT c.number, {names}, {sums} FROM numbered c GROUP BY c.number, {names}
    ){made}, cell AS MATERIALIZED (
        SELECT {names}, {", ".join(OF_RUNS)}, {", ".join(f"{name}.value AS {name}" for name in lists)}
        FROM summed s{joins}
    )"""


def _merged_histogram(name: str) -> str:
    return f"""{name} AS (
        SELECT b.number, array_agg({_entry("b.bucket", "b.count")} ORDER BY b.bucket) AS value
        FROM (
            SELECT c.number, e >> {COUNT_BITS} AS bucket, sum(e & {MOST}) AS count
            FROM numbered c CROSS JOIN LATERAL unnest(c.{name}) AS e GROUP BY 1, 2
        ) b CROSS JOIN LATERAL {_parts("b.count")}
        GROUP BY b.number
    )"""


def _merged_set(name: str) -> str:
    return f"""{name} AS (
        SELECT c.number, array_agg(DISTINCT e) AS value
        FROM numbered c CROSS JOIN LATERAL unnest(c.{name}) AS e WHERE e IS NOT NULL GROUP BY 1
    )"""
