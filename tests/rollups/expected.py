"""What the tiers must hold, from the stored runs and in plain Python, and what they do hold, in the same form."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from formicary.db import Database
from formicary.rollups.cells import COLUMNS, KEY, OF_DAYS, OF_PROJECTS, OF_RUNS, whole
from formicary.rollups.histogram import BOUNDS, COUNT_BITS, LARGEST, MOST, bucket_of

Cell = dict[str, Any]
Key = tuple[Any, ...]

RUNS = """
    SELECT r.*, hashtextextended(r.user_id, 0) & -2 AS "user", hashtextextended(r.session_id, 0) | 1 AS session
    FROM run r WHERE r.status >= 2"""

TIMED = {2, 3, 5}
PROJECT_KEY = ("project_id", "starts_at", "status")
TIERS = {
    "run_hour": (KEY, COLUMNS),
    "run_day": (KEY, OF_DAYS),
    "project_minute": (PROJECT_KEY, OF_PROJECTS),
    "project_hour": (PROJECT_KEY, OF_PROJECTS),
    "project_day": (PROJECT_KEY, OF_PROJECTS),
}


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def minute_of(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def day_of(at: datetime) -> datetime:
    return hour_of(at).replace(hour=0)


def _texts(run: Mapping[str, Any]) -> Key:
    return run["version_id"], run["status"], run["model"] or "", run["provider"] or "", run["error_type"] or ""


def agent_key(start_of: Callable[[datetime], datetime]) -> Callable[[Mapping[str, Any]], Key]:
    return lambda run: (run["agent_id"], start_of(run["started_at"]), *_texts(run))


def project_key(start_of: Callable[[datetime], datetime]) -> Callable[[Mapping[str, Any]], Key]:
    return lambda run: (run["project_id"], start_of(run["started_at"]), run["status"])


def total_key(run: Mapping[str, Any]) -> Key:
    return run["agent_id"], *_texts(run)


async def final_runs(db: Database) -> list[Mapping[str, Any]]:
    return [dict(row) for row in await db.fetch(RUNS)]


def grouped(
    runs: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Key]
) -> dict[Key, list[Mapping[str, Any]]]:
    groups = defaultdict(list)
    for run in runs:
        groups[key(run)].append(run)
    return dict(groups)


def cell_of(runs: list[Mapping[str, Any]]) -> Cell:
    """The columns of a cell; histograms as counters, sets as sets."""
    timed = [run["duration_ms"] for run in runs if run["status"] in TIMED and run["duration_ms"] is not None]
    costs = [run["cost"] for run in runs if run["cost"] is not None]
    scores = [run["pheromone_score"] for run in runs if run["pheromone_score"] is not None]

    def total(column: str) -> int:
        return sum(run[column] or 0 for run in runs)

    return {
        "runs": len(runs),
        "timed_runs": len(timed),
        "token_runs": sum(run["total_tokens"] is not None for run in runs),
        "estimated_runs": sum(run["cost_source"] == 1 for run in runs),
        "unknown_runs": len(runs) - len(costs),
        "scored_runs": len(scores),
        **{name: total(name) for name in ("files_created", "files_modified", "messages")},
        **{name: total(name) for name in ("input_tokens", "output_tokens", "total_tokens")},
        "duration_ms": sum(timed),
        "min_duration_ms": min(timed, default=None),
        "max_duration_ms": max(timed, default=None),
        "cost": sum(costs),
        "score": round(sum(scores), 9),
        "durations": Counter(bucket_of(duration) for duration in timed),
        "costs": Counter(bucket_of(min(_millionths(cost), LARGEST)) for cost in costs),
        "visitors": {run[kind] for run in runs for kind in ("user", "session")} - {None},
    }


def _millionths(cost: Decimal) -> int:
    return int((cost * 1_000_000).to_integral_value(ROUND_HALF_UP))


def added(cells: Iterable[Mapping[str, Any]]) -> Cell:
    """Rows of a table of cells in one, in the form of `cell_of`."""
    rows = list(cells)
    sums: Cell = {
        column: sum(row[column] for row in rows) for column in OF_RUNS if not column.startswith(("min_", "max_"))
    }
    least = [row["min_duration_ms"] for row in rows if row["min_duration_ms"] is not None]
    greatest = [row["max_duration_ms"] for row in rows if row["max_duration_ms"] is not None]
    return sums | {
        "score": round(float(sums["score"]), 9),
        "min_duration_ms": min(least, default=None),
        "max_duration_ms": max(greatest, default=None),
        "durations": unpacked(entry for row in rows for entry in row["durations"] or ()),
        "costs": unpacked(entry for row in rows for entry in row["costs"] or ()),
        "visitors": {hash_ for row in rows for hash_ in row["visitors"] or ()} - {None},
    }


def unpacked(entries: Iterable[int]) -> Counter[int]:
    counts: Counter[int] = Counter()
    for entry in entries:
        counts[entry >> COUNT_BITS] += entry & MOST
    return counts


async def held(db: Database, table: str) -> dict[Key, Cell]:
    """What a tier says; those above the hours do not say everything."""
    key, columns = TIERS[table]
    nothing = "".join(f", NULL AS {column}" for column in COLUMNS if column not in columns)
    groups = defaultdict(list)
    for row in await db.fetch(f"SELECT {', '.join(key)}, {whole(columns, '$1')}{nothing} FROM {table} c", BOUNDS):
        groups[tuple(row[column] for column in key)].append(row)
    return {cell: added(rows) for cell, rows in groups.items()}


def cells_of(runs: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Key]) -> dict[Key, Cell]:
    return {cell: cell_of(members) for cell, members in grouped(runs, key).items()}


async def assert_hours_are_what_the_runs_say(db: Database) -> None:
    runs = await final_runs(db)
    assert await held(db, "run_hour") == cells_of(runs, agent_key(hour_of))
    await assert_totals_are_what_the_runs_say(db, runs)
    await assert_errors_are_what_the_runs_say(db, runs)


def _without(nothing: Cell, cells: dict[Key, Cell]) -> dict[Key, Cell]:
    return {key: cell | nothing for key, cell in cells.items()}


def _of_projects(runs: Iterable[Mapping[str, Any]], start_of: Callable[[datetime], datetime]) -> dict[Key, Cell]:
    return _without({"costs": Counter(), "visitors": set()}, cells_of(runs, project_key(start_of)))


async def assert_days_are_what_the_runs_say(db: Database, until: datetime) -> None:
    """Everything above the hours, and minutes; `until` is the midnight up to which days are over."""
    runs = await final_runs(db)
    old = [run for run in runs if run["started_at"] < until]
    assert await held(db, "run_day") == _without({"visitors": set()}, cells_of(old, agent_key(day_of)))
    assert await held(db, "project_day") == _of_projects(old, day_of)
    hours = {key: cell for key, cell in (await held(db, "project_hour")).items() if key[1] < until}
    assert hours == _of_projects(old, hour_of)
    since = await db.fetchval("SELECT minutes_since FROM run_horizon")
    minutes = {key: cell for key, cell in (await held(db, "project_minute")).items() if key[1] < until}
    assert minutes == _of_projects([run for run in old if run["started_at"] >= since], minute_of)


async def assert_totals_are_what_the_runs_say(db: Database, runs: Iterable[Mapping[str, Any]]) -> None:
    rows = await db.fetch("SELECT * FROM run_total WHERE runs <> 0")
    columns = ("runs", "timed_runs", "token_runs", "unknown_runs", "messages", "total_tokens", "duration_ms", "cost")
    stored = {
        (row["agent_id"], row["version_id"], row["status"], row["model"], row["provider"], row["error_type"]): (
            *(row[column] for column in columns),
            row["le_100"],
            row["le_1000"],
            row["le_60000"],
        )
        for row in rows
    }
    expected = {}
    for key, members in grouped(runs, total_key).items():
        cell = cell_of(members)
        below = (sum(run["duration_ms"] <= up_to for run in members if _is_timed(run)) for up_to in (100, 1000, 60000))
        expected[key] = (*(cell[column] for column in columns), *below)
    assert stored == expected


def _is_timed(run: Mapping[str, Any]) -> bool:
    return run["status"] in TIMED and run["duration_ms"] is not None


async def assert_errors_are_what_the_runs_say(db: Database, runs: Iterable[Mapping[str, Any]]) -> None:
    """As to hours and messages' types; fingerprints are tested apart."""
    stored: Counter[Key] = Counter()
    last: dict[Key, datetime] = {}
    for row in await db.fetch("SELECT * FROM error_hour"):
        key = tuple(row[column] for column in KEY)
        stored[key] += row["runs"]
        last[key] = max(last.get(key, row["last_at"]), row["last_at"])
    failed = [run for run in runs if run["status"] in {3, 5} and (run["error_message"] or run["error_type"])]
    groups = grouped(failed, agent_key(hour_of))
    assert stored == {key: len(members) for key, members in groups.items()}
    assert last == {key: max(run["started_at"] for run in members) for key, members in groups.items()}
