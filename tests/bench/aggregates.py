"""Figures at millions of runs: the tiers against the runs themselves, and what the tiers take in time and space."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

import msgspec

from formicary.db import Database
from formicary.embedded import EmbeddedPostgres
from formicary.resolvers import figures, overview
from formicary.resolvers.question import Question, Source, Wants
from formicary.resolvers.ranges import ResolvedRange
from formicary.resolvers.run_filter import RunFilter
from formicary.resolvers.spans import Bucket
from formicary.rollups.aggregate import aggregate

from . import population as p
from . import processes
from .client import post, send_all
from .figures import Measure, Report, Table, percentile
from .loaded import loaded
from .server import Server, scratch, serve

RUNS = 5_000_000
QUICK_RUNS = 200_000
SUMMARY_RUNS = 1_000_000
REPEATED = 7
REQUESTS = 100
PERCENTILES = Wants(durations=True)

RAW = """
    SELECT count(*), count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status IN (3, 5)),
        count(*) FILTER (WHERE status = 4), sum(messages), sum(input_tokens), sum(output_tokens), sum(total_tokens),
        sum(cost), count(*) FILTER (WHERE cost_source = 1), count(*) - count(cost), sum(files_created),
        sum(files_modified), avg(duration_ms) FILTER (WHERE status IN (2, 3, 5)),
        min(duration_ms) FILTER (WHERE status IN (2, 3, 5)), max(duration_ms) FILTER (WHERE status IN (2, 3, 5)),
        percentile_disc(ARRAY[0.5, 0.75, 0.9, 0.95, 0.99]) WITHIN GROUP (ORDER BY duration_ms)
            FILTER (WHERE status IN (2, 3, 5))
    FROM run WHERE started_at >= $1 AND started_at < $2"""

SIZE = """
    SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
    WHERE c.relkind = 'r' AND (c.relname = ANY($1::text[]) OR c.oid IN (
        SELECT inhrelid FROM pg_inherits WHERE inhparent::regclass::text = ANY($1::text[])))"""
TIERS = [
    "run_hour",
    "run_day",
    "project_minute",
    "project_hour",
    "project_day",
    "run_total",
    "error_hour",
    "pheromone_hour",
]

FIFTY_AGENTS = """{
  agents(first: 50) { nodes {
    id name status pheromoneScore lastActiveAt
    latestVersion { version lastSeenAt isActive }
    metrics(range: {last: "24h"}) {
      runs succeeded failed successRate latency { averageMs p50Ms p95Ms } tokens { total } cost { total } }
    history(range: {from: "%s", to: "%s"}, bucket: HOUR) { from metrics { %s } }
  } }
}"""

FIFTY_COLUMNS = ("app ms", "PG ms", "p50 ms")

POINTS = {
    "sums": "runs succeeded failed tokens { total } cost { total }",
    "sums and a percentile": "runs succeeded failed latency { p95Ms } cost { total }",
}
"""What is asked of each of the 24 points. A percentile takes a histogram, and there are 1,200 points."""


def measure(*, quick: bool) -> Report:
    report = Report("aggregates")
    growth = Table("Growth: one agent's 7 days with percentiles", ["runs", "ms"])
    for number in (QUICK_RUNS,) if quick else (RUNS // 10, SUMMARY_RUNS, RUNS):
        last, until = number in {RUNS, QUICK_RUNS}, datetime.now(UTC)
        with scratch() as directory, EmbeddedPostgres(directory / "data", fsync=False) as postgres:
            took = asyncio.run(_measure(postgres.dsn, number, until, report, last=last))
            if last:
                with serve(directory / "data", "--no-worker") as server:
                    table, measures = _fifty_agents(server, until)
                report.tables.append(table)
                report.measures += measures
        growth.rows.append([number, took])
    report.tables.append(growth)
    return report


async def _measure(dsn: str, number: int, until: datetime, report: Report, *, last: bool) -> float:
    """Milliseconds of the figure that must not grow."""
    async with loaded(dsn, number, until) as found:
        ours = await milliseconds_of_a_week(found.db, until)
        if number in {SUMMARY_RUNS, QUICK_RUNS}:
            await _summary(found.db, until, report)
        if last:
            await _compare(found.db, until, ours, report)
            await _overview(found.db, until, report)
            await _space_and_time(found.db, number, until, found.aggregated, report)
        return ours


async def milliseconds_of_a_week(db: Database, until: datetime) -> float:
    """Of one agent's figures of seven days, with percentiles."""
    week = _week(until)
    return await _ms(lambda: _percentiles(db, week))


def _week(until: datetime) -> Question:
    return Question(ResolvedRange(until - timedelta(days=7), until), RunFilter(agent_id=(1,)), wants=PERCENTILES)


async def _ms(call: Callable[[], Awaitable[object]]) -> float:
    """The median of several calls, after two that warm up."""
    times = []
    for _ in range(REPEATED + 2):
        begun = time.perf_counter()
        await call()
        times.append(1000 * (time.perf_counter() - begun))
    return median(times[2:])


async def _percentiles(db: Database, question: Question) -> None:
    """The figures with all that the runs are asked for; percentiles are worked out when they are looked at."""
    latency = (await figures.read(db, None, question)).metrics().latency
    assert latency is not None
    assert latency.p50_ms <= latency.p75_ms <= latency.p90_ms <= latency.p95_ms <= latency.p99_ms


async def _overview(db: Database, until: datetime, report: Report) -> None:
    """What the dashboard's first page reads of figures; users and sessions apart."""
    table = Table("The overview's figures, ms", ["range", "step", "figures", "users and sessions"])
    for days, bucket in ((1, Bucket.HOUR), (7, Bucket.HOUR), (30, Bucket.DAY)):
        range_ = ResolvedRange(until - timedelta(days=days), until)
        took = await _ms(partial(_shown, db, range_, bucket))
        table.rows.append([f"{days} d", bucket, took, await _ms(partial(overview.read_people, db, None, range_))])
        if days == 1:
            report.measures.append(Measure("the overview's figures of 24 hours", took, "ms", at_most=25))
    report.tables.append(table)


async def _shown(db: Database, range_: ResolvedRange, bucket: Bucket) -> None:
    found = await overview.read(db, None, range_, bucket, people=False)
    for metrics in (found.metrics, found.metrics.previous, *(point.metrics for point in found.points)):
        assert metrics is None or metrics.latency is None or metrics.latency.p50_ms <= metrics.latency.p95_ms


async def _compare(db: Database, until: datetime, ours: float, report: Report) -> None:
    month = Question(ResolvedRange(until - p.SPAN, until), wants=PERCENTILES)
    raw_week = await _raw(db, _week(until).range, " AND agent_id = 1")
    our_month, raw_month = await _ms(lambda: _percentiles(db, month)), await _raw(db, month.range, "")
    report.tables.append(
        Table(
            "The same figures with percentiles, ms",
            ["figures", "tiers", "runs", "times"],
            [
                ["one agent, 7 days", ours, raw_week, raw_week / ours],
                ["all agents, 30 days", our_month, raw_month, raw_month / our_month],
            ],
        )
    )
    real = Question(
        await _range_of_runs(db, 10_000), RunFilter(agent_id=(1,)), wants=PERCENTILES, source=Source.REALTIME
    )
    report.measures += [
        Measure("one agent's 7 days, times faster than the runs", raw_week / ours, "x", at_least=10),
        Measure("all agents' 30 days, times faster than the runs", raw_month / our_month, "x", at_least=30),
        Measure("10,000 runs of one agent, REALTIME", await _ms(lambda: _percentiles(db, real)), "ms", at_most=50),
    ]


async def _raw(db: Database, range_: ResolvedRange, condition: str) -> float:
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        await db.fetch(RAW + condition, range_.from_, range_.to)
        times.append(1000 * (time.perf_counter() - begun))
    return min(times)


async def _range_of_runs(db: Database, number: int) -> ResolvedRange:
    """The time in which the busiest agent had its last so many finished runs."""
    row = await db.fetchrow(
        "SELECT min(started_at), max(started_at) FROM ("
        "SELECT started_at FROM run WHERE agent_id = 1 AND status >= 2 ORDER BY started_at DESC LIMIT $1) r",
        number,
    )
    assert row is not None
    return ResolvedRange(row[0], row[1] + timedelta(microseconds=1))


async def _summary(db: Database, until: datetime, report: Report) -> None:
    project = Question(ResolvedRange(until - p.SPAN, until), RunFilter(project="default"), wants=PERCENTILES)
    took = await _ms(lambda: _percentiles(db, project))
    report.measures.append(Measure("a project's 30 days with percentiles at 1 million runs", took, "ms", at_most=10))


async def _space_and_time(db: Database, number: int, until: datetime, aggregated: float, report: Report) -> None:
    day = (until - timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
    begun = time.perf_counter()
    await aggregate(db, day, day + timedelta(days=1))
    one_day = time.perf_counter() - begun
    runs, tiers = await db.fetchval(SIZE, ["run", "run_key"]), await db.fetchval(SIZE, TIERS)
    sizes = Table(f"Disk at {number:,} runs, indexes included", ["table", "MB"])
    for name in ("run", "run_key", *TIERS):
        sizes.rows.append([name, await db.fetchval(SIZE, [name]) / 2**20])
    report.tables.append(sizes)
    report.measures += [
        Measure("all agents of one day aggregated", one_day, "s", at_most=10),
        Measure(f"all of {number:,} runs aggregated", aggregated, "s"),
        Measure("tiers, share of the runs' disk", tiers / runs, "", at_most=0.1),
    ]


def _fifty_agents(server: Server, until: datetime) -> tuple[Table, list[Measure]]:
    """One request of 50 agents to a server, again and again."""
    table = Table("50 agents with latest version, metrics and 24 points", ["of a point", "leaves", *FIFTY_COLUMNS])
    took = {name: _request_of_fifty(server, until, fields) for name, fields in POINTS.items()}
    table.rows += [[name, *figures] for name, figures in took.items()]
    _, app, postgres, _ = took["sums"]
    return table, [
        Measure("server CPU of 50 agents with metrics and history", app, "ms", at_most=15),
        Measure("database CPU of the same", postgres, "ms", at_most=25),
    ]


def _request_of_fifty(server: Server, until: datetime, fields: str) -> list[float]:
    """The leaves of the answer, and of a request the server's CPU, the database's and the median time in ms."""
    to = until.replace(minute=0, second=0, microsecond=0)
    query = FIFTY_AGENTS % ((to - timedelta(days=1)).isoformat(), to.isoformat(), fields)
    body = msgspec.json.encode({"query": query})
    answer = msgspec.json.decode(post(server.port, body))
    assert "errors" not in answer, answer["errors"]
    send_all(server.port, [[body] * 20], b'"data"')
    app, postgres = processes.cpu_seconds(server.pid), processes.family_cpu_seconds(server.postgres_pid)
    burst = send_all(server.port, [[body] * REQUESTS], b'"data"')
    app = 1000 * (processes.cpu_seconds(server.pid) - app) / REQUESTS
    postgres = 1000 * (processes.family_cpu_seconds(server.postgres_pid) - postgres) / REQUESTS
    return [_leaves(answer["data"]), app, postgres, 1000 * percentile(burst.latencies, 0.5)]


def _leaves(value: object) -> int:
    match value:
        case dict():
            return sum(map(_leaves, value.values()))
        case list():
            return sum(map(_leaves, value))
        case _:
            return 1
