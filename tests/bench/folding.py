"""What folding costs the recording beside it, and whether it keeps up with the fastest one."""

import asyncio
import time
from dataclasses import dataclass

import asyncpg

from . import sample
from .client import post, send_all
from .figures import Measure, Report, Table
from .recording import CLIENTS, REFERENCE
from .server import Server, scratch, serve

ROUNDS = 4
SECONDS_TO_SETTLE = 60
UNFOLDED = "SELECT count(*), extract(epoch FROM now() - min(recorded_at))::float8 FROM run_batch"


@dataclass(frozen=True, slots=True)
class Round:
    """Runs a second; afterwards how many batches were unfolded, how old the oldest, and how long they took."""

    folding: bool
    rate: float
    batches: int
    lag: float
    settled: float


def measure(*, quick: bool) -> Report:
    runs = 10_000 if quick else 100_000
    rounds = [_round(folding, runs) for _ in range(1 if quick else ROUNDS) for folding in (False, True)]
    report = Report("folding")
    rows = [[str(one.folding), one.rate, one.batches, one.lag, one.settled] for one in rounds]
    columns = ["folding", "runs/s", "batches left", "lag s", "settled after s"]
    report.tables.append(Table("recordRuns, batches of 1,000, 4 clients, in turns", columns, list(rows)))
    best = {folding: max(one.rate for one in rounds if one.folding is folding) for folding in (False, True)}
    folded = [one for one in rounds if one.folding]
    report.measures = [
        Measure("recording while folding, share of without", best[True] / best[False], "", at_least=0.95),
        Measure("lag of the fold when the last batch was answered", max(one.lag for one in folded), "s"),
        Measure("until everything was folded", max(one.settled for one in folded), "s"),
    ]
    return report


def _round(folding: bool, number: int) -> Round:
    clients = max(CLIENTS)
    with scratch() as directory, serve(directory / "data", "--worker" if folding else "--no-worker") as server:
        runs = sample.runs(number)
        for body in sample.bodies(runs[:5_000], REFERENCE, "warm"):
            post(server.port, body)
        bodies = sample.bodies(runs, REFERENCE, "fold")
        burst = send_all(server.port, [bodies[at::clients] for at in range(clients)], b'"recorded":%d,' % REFERENCE)
        batches, lag = asyncio.run(_unfolded(server))
        settled = asyncio.run(_until_settled(server)) if folding else 0.0
        return Round(folding, number / burst.wall, batches, lag, settled)


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
