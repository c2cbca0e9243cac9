"""Recording: runs a second over HTTP, beside COPY of the same rows (the limit) and the naive path.

The limit is measured with as many connections as there are clients: a run takes more CPU where both threads of a core
are at work, and where several write to the same indexes, and that is so for ours and for COPY alike.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import asyncpg

from . import processes, sample
from .client import Burst, post, send_all
from .figures import Measure, Report, Table, percentile
from .server import Server, scratch, serve

SIZES = (100, 1_000, 10_000)
CLIENTS = (1, 4)
REFERENCE = 1_000
ROUNDS = 3
"""Of several rounds the one that took the least CPU counts: what else the machine does only ever adds to it."""
NAIVE_BATCHES = 8

FRESH = "TRUNCATE run, run_key; CHECKPOINT"
QUIET = ("ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()")
EXPORT = """
    COPY (SELECT * FROM run ORDER BY id OFFSET {skip} LIMIT {size}) TO '{path}' (FORMAT binary)"""

_LimitCpu: TypeAlias = dict[tuple[int, int], float]
"""By the size of the batches and the number of clients."""

RATIO_TARGET = 0.65
NAIVE_TARGET = 20
PEAK_TARGET_MB = 250


@dataclass(frozen=True, slots=True)
class Recording:
    """One burst of batches, and what it cost. CPU is in seconds for one run."""

    size: int
    clients: int
    burst: Burst
    runs: int
    app_cpu: float
    postgres_cpu: float
    peak_mb: float

    @property
    def rate(self) -> float:
        return self.runs / self.burst.wall

    @property
    def dearest_cpu(self) -> float:
        """Of the two processes, the one that limits the throughput of a machine with a core for each."""
        return max(self.app_cpu, self.postgres_cpu)


@dataclass(frozen=True, slots=True)
class Limit:
    """COPY of the same rows from files of `size` rows by the server itself, one transaction a file.

    `clients` is the number of connections at once. CPU is in seconds for one run.
    """

    size: int
    clients: int
    rate: float
    cpu: float


def measure(*, quick: bool) -> Report:
    report = Report("recording")
    with scratch() as directory, serve(directory / "data") as server:
        execute(server, *QUIET)
        runs = sample.runs(10_000 if quick else 80_000)
        _warm_up(server, runs)
        recordings: list[Recording] = []
        limits: list[Limit] = []
        for size in SIZES:
            rounds = ROUNDS if size == REFERENCE and not quick else 1
            tries = [_round(server, runs, size, directory) for _ in range(rounds)]
            recordings += _best([ours for ours, _ in tries])
            limits += [
                min(same, key=lambda limit: limit.cpu) for same in zip(*(limits for _, limits in tries), strict=True)
            ]
        naive = _naive(server, runs[: (2 if quick else NAIVE_BATCHES) * REFERENCE])
    cpu = {(limit.size, limit.clients): limit.cpu for limit in limits}
    report.tables = [_ours_table(recordings, cpu), _limit_table(limits), _naive_table(recordings, naive)]
    report.measures = _measures(recordings, cpu, naive)
    return report


def _round(
    server: Server, runs: Sequence[dict[str, Any]], size: int, directory: Path
) -> tuple[list[Recording], list[Limit]]:
    """Ours with each number of clients, and at once the limit, so that both meet the machine in one mood."""
    ours = [_record(server, runs[: _amount(size, clients, len(runs))], size, clients) for clients in CLIENTS]
    return ours, copy(server, size, directory)


def _best(tries: Sequence[Sequence[Recording]]) -> list[Recording]:
    """For each number of clients the round that took the least CPU."""
    return [min(same, key=lambda one: one.dearest_cpu) for same in zip(*tries, strict=True)]


def _amount(size: int, clients: int, available: int) -> int:
    """So many runs: fewer in small batches, which take longer; the same number of batches for each client."""
    wanted = available // 4 if size == min(SIZES) else available // 2 if clients == 1 else available
    return max(clients * size, wanted // (clients * size) * clients * size)


def _warm_up(server: Server, runs: Sequence[dict[str, Any]]) -> None:
    """Let the server register the names, connect and compile what it compiles once."""
    for body in sample.bodies(runs[:10_000], REFERENCE, "warm"):
        post(server.port, body)


def _record(server: Server, runs: Sequence[dict[str, Any]], size: int, clients: int) -> Recording:
    bodies = sample.bodies(_repeated(runs, size * clients), size, f"{size}x{clients}")
    execute(server, *FRESH.split("; "))
    processes.forget_peak(server.pid)
    app, postgres = processes.cpu_seconds(server.pid), processes.family_cpu_seconds(server.postgres_pid)
    burst = send_all(server.port, [bodies[at::clients] for at in range(clients)], b'"recorded":%d,' % size)
    number = len(bodies) * size
    return Recording(
        size,
        clients,
        burst,
        number,
        (processes.cpu_seconds(server.pid) - app) / number,
        (processes.family_cpu_seconds(server.postgres_pid) - postgres) / number,
        processes.peak_mb(server.pid),
    )


def _repeated(runs: Sequence[dict[str, Any]], at_least: int) -> Sequence[dict[str, Any]]:
    """Enough runs for a batch a client; that they repeat does not matter, because their ids differ."""
    return list(runs) * -(-at_least // len(runs))


def copy(server: Server, size: int, directory: Path) -> list[Limit]:
    """Take the rows that were just recorded out, and COPY them back into the emptied table, `size` at a time."""
    files = directory / f"rows-{size}"
    files.mkdir(exist_ok=True)
    files.chmod(0o777)
    return asyncio.run(_copy_back(server, size, files))


async def _copy_back(server: Server, size: int, files: Path) -> list[Limit]:
    connection = await asyncpg.connect(server.dsn)
    try:
        number = await connection.fetchval("SELECT count(*) FROM run")
        paths = [files / f"{skip}.copy" for skip in range(0, number, size)]
        for place, path in enumerate(paths):
            await connection.execute(EXPORT.format(skip=place * size, size=size, path=path))
        limits = []
        for clients in CLIENTS:
            for statement in FRESH.split("; "):
                await connection.execute(statement)
            cpu, begun = processes.family_cpu_seconds(server.postgres_pid), asyncio.get_running_loop().time()
            await asyncio.gather(*(_copy_files(server.dsn, paths[at::clients]) for at in range(clients)))
            wall = asyncio.get_running_loop().time() - begun
            cpu = processes.family_cpu_seconds(server.postgres_pid) - cpu
            limits.append(Limit(size, clients, number / wall, cpu / number))
        return limits
    finally:
        await connection.close()


async def _copy_files(dsn: str, paths: Sequence[Path]) -> None:
    connection = await asyncpg.connect(dsn)
    for path in paths:
        await connection.execute(f"COPY run FROM '{path}' (FORMAT binary)")
    await connection.close()


def _naive(server: Server, runs: Sequence[dict[str, Any]]) -> list[Recording]:
    """The naive path at batches of 1,000, into the same database."""
    with _naive_server(server.dsn) as (pid, port):
        naive = replace(server, pid=pid, port=port)
        tries = [[_record(naive, runs, REFERENCE, clients) for clients in CLIENTS] for _ in range(ROUNDS)]
        return _best(tries)


@contextlib.contextmanager
def _naive_server(dsn: str) -> Iterator[tuple[int, int]]:
    """Its process and its port."""
    command = [sys.executable, "-m", "tests.bench.naive", dsn]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.pid, int(process.stdout.readline())
        finally:
            process.terminate()


def execute(server: Server, *statements: str) -> None:
    async def execute() -> None:
        connection = await asyncpg.connect(server.dsn)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    asyncio.run(execute())


def _ours_table(recordings: Sequence[Recording], limits: _LimitCpu) -> Table:
    table = Table(
        "recordRuns over HTTP",
        ["batch", "clients", "runs", "runs/s", "p50 ms", "p99 ms", "app us/run", "PG us/run", "limit/max", "peak MB"],
        note="CPU in microseconds a run; limit/max: CPU of COPY by as many connections over the greater of app and PG",
    )
    for one in recordings:
        p50, p99 = (1000 * percentile(one.burst.latencies, share) for share in (0.5, 0.99))
        ratio = limits[one.size, one.clients] / one.dearest_cpu
        cpu = [1e6 * one.app_cpu, 1e6 * one.postgres_cpu]
        table.rows.append([one.size, one.clients, one.runs, one.rate, p50, p99, *cpu, ratio, one.peak_mb])
    return table


def _limit_table(limits: Sequence[Limit]) -> Table:
    rows = [[limit.size, limit.clients, limit.rate, 1e6 * limit.cpu] for limit in limits]
    columns = ["batch", "connections", "runs/s", "PG us/run"]
    return Table("The limit: COPY by the server of the same rows", columns, list(rows))


def _naive_table(recordings: Sequence[Recording], naive: Sequence[Recording]) -> Table:
    table = Table(
        f"The naive path: stock Strawberry, SQLModel add_all, batches of {REFERENCE:,}",
        ["clients", "naive runs/s", "app us/run", "PG us/run", "ours", "ours/naive", "app CPU, naive/ours"],
    )
    ours = {one.clients: one for one in recordings if one.size == REFERENCE}
    for one in naive:
        cpu = [1e6 * one.app_cpu, 1e6 * one.postgres_cpu]
        our = ours[one.clients]
        table.rows.append([one.clients, one.rate, *cpu, our.rate, our.rate / one.rate, one.app_cpu / our.app_cpu])
    return table


def _measures(recordings: Sequence[Recording], limits: _LimitCpu, naive: Sequence[Recording]) -> list[Measure]:
    reference = [one for one in recordings if one.size == REFERENCE]
    ratio = min(limits[REFERENCE, one.clients] / one.dearest_cpu for one in reference)
    times = max(one.rate for one in reference) / max(one.rate for one in naive)
    cheaper = min(one.app_cpu for one in naive) / max(one.app_cpu for one in reference)
    peak = max(one.peak_mb for one in recordings if one.size == max(SIZES) and one.clients == max(CLIENTS))
    return [
        Measure("limit/max(app, PG) CPU a run, batches of 1,000, the lesser", ratio, "", at_least=RATIO_TARGET),
        Measure("runs/s, times the naive path, batches of 1,000", times, "x", at_least=NAIVE_TARGET),
        Measure("server CPU a run, the naive path's over ours, the lesser", cheaper, "x", at_least=NAIVE_TARGET),
        Measure("peak memory of the server, batches of 10,000, 4 clients", peak, "MB", at_most=PEAK_TARGET_MB),
    ]
