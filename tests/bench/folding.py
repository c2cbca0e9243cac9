"""What folding costs the recording beside it, and whether it keeps up with the fastest one."""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

import asyncpg

from . import processes, sample
from .client import post, send_all
from .figures import Measure, Report, Table
from .population import SPAN
from .recording import CLIENTS, REFERENCE
from .server import Server, scratch, serve

ROUNDS = 3
SECONDS_TO_SETTLE = 60
UNFOLDED = "SELECT count(*), extract(epoch FROM now() - min(recorded_at))::float8 FROM run_batch"

SPANS = {"now": timedelta(minutes=1), "a month": SPAN}
"""When the runs are of: as they come in day by day, or history, of which nearly every run is a cell of its own."""


@dataclass(frozen=True, slots=True)
class Round:
    """Runs a second; afterwards how many batches were unfolded, how old the oldest, and how long they took.

    `cpu` is in seconds for one run, of the server and of PostgreSQL, until everything was folded.
    """

    folding: bool
    rate: float
    cpu: float
    batches: int
    lag: float
    settled: float


def measure(*, quick: bool) -> Report:
    runs = 10_000 if quick else 100_000
    report = Report("folding")
    for name, span in SPANS.items():
        rounds = [_round(folding, runs, span) for _ in range(1 if quick else ROUNDS) for folding in (False, True)]
        report.tables.append(_table(name, rounds))
        report.measures += _measures(name, rounds)
    return report


def _table(name: str, rounds: list[Round]) -> Table:
    rows = [[str(one.folding), one.rate, 1e6 * one.cpu, one.batches, one.lag, one.settled] for one in rounds]
    columns = ["folding", "runs/s", "CPU us/run", "batches left", "lag s", "settled after s"]
    return Table(
        f"recordRuns of {name}, batches of {REFERENCE:,}, {max(CLIENTS)} clients, in turns", columns, list(rows)
    )


def _measures(name: str, rounds: list[Round]) -> list[Measure]:
    """What else the machine does makes rates differ by more than the fold does; CPU tells what it takes."""
    best = {folding: max(one.rate for one in rounds if one.folding is folding) for folding in (False, True)}
    cpu = {folding: min(one.cpu for one in rounds if one.folding is folding) for folding in (False, True)}
    folded = [one for one in rounds if one.folding]
    return [
        Measure(f"{name}: runs/s while folding, share of without", best[True] / best[False], "", at_least=0.95),
        Measure(f"{name}: CPU of recording, share of recording and folding", cpu[False] / cpu[True], ""),
        Measure(f"{name}: CPU of the fold", 1e6 * (cpu[True] - cpu[False]), "us/run"),
        Measure(f"{name}: lag of the fold when the last batch was answered", max(one.lag for one in folded), "s"),
        Measure(f"{name}: until everything was folded", max(one.settled for one in folded), "s"),
    ]


def _round(folding: bool, number: int, span: timedelta) -> Round:
    clients = max(CLIENTS)
    with scratch() as directory, serve(directory / "data", "--worker" if folding else "--no-worker") as server:
        runs = sample.runs(number, span=span)
        for body in sample.bodies(runs[:5_000], REFERENCE, "warm"):
            post(server.port, body)
        bodies = sample.bodies(runs, REFERENCE, "fold")
        before = _cpu(server)
        burst = send_all(server.port, [bodies[at::clients] for at in range(clients)], b'"recorded":%d,' % REFERENCE)
        batches, lag = asyncio.run(_unfolded(server))
        settled = asyncio.run(_until_settled(server)) if folding else 0.0
        return Round(folding, number / burst.wall, (_cpu(server) - before) / number, batches, lag, settled)


def _cpu(server: Server) -> float:
    return processes.cpu_seconds(server.pid) + processes.family_cpu_seconds(server.postgres_pid)


async def _unfolded(server: Server) -> tuple[int, float]:
    connection = await asyncpg.connect(server.dsn)
    try:
        batches, lag = await connection.fetchrow(UNFOLDED)
        return batches, lag or 0.0
    finally:
        await connection.close()


async def _until_settled(server: Server) -> float:
    begun = time.perf_counter()
    while (await _unfolded(server))[0]:
        if time.perf_counter() - begun > SECONDS_TO_SETTLE:
            raise TimeoutError(f"batches were left after {SECONDS_TO_SETTLE} s")
        await asyncio.sleep(0.05)
    return time.perf_counter() - begun
