"""The recorder: what a run costs the agent's own thread, and runs a second from one process into a local server.

First the agent makes runs at an agent's pace. Then it does nothing but make runs, as fast as it can, so that the
recorder's threads compete with it for the interpreter, and the server and PostgreSQL for the two cores. Of several
rounds the one with the best rate counts.
"""

import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TypeAlias

from formicary.client import Recorder

from . import processes
from .figures import Measure, Report, Table, percentile
from .server import Server, scratch, serve

Make: TypeAlias = Callable[[Recorder, int], None]

ROUNDS = 3
PATIENCE = 60
PACED_RUNS, PACE = 2_000, 0.001
RATE_TARGET, CALLER_TARGET_US = 20_000, 50
ANSWER = {
    "model": "claude-haiku-4-5",
    "usage": {"input_tokens": 1200, "cache_read_input_tokens": 300, "output_tokens": 150},
}


@dataclass(frozen=True, slots=True)
class Round:
    """`rate` is of runs a second until the server had all. Times are in microseconds for one run.

    `mean`, `p50` and `p99` are by the clock in the agent's thread, what others took from it included; `caller_cpu` is
    what it worked itself, `client_cpu` what the whole process did.
    """

    name: str
    rate: float
    mean: float
    p50: float
    p99: float
    caller_cpu: float
    client_cpu: float
    app_cpu: float
    missing: int


def measure(*, quick: bool) -> Report:
    runs = 10_000 if quick else 50_000
    with scratch() as directory, serve(directory / "data") as server:
        _round(server, "warm", runs // 10, _with_facts)
        paced = _round(server, "1,000 a second, with facts and usage", PACED_RUNS, _with_facts, pace=PACE)
        bursts = [
            _best(server, "a bare run", runs, _bare),
            _best(server, "with facts and usage", runs, _with_facts),
            _best(server, "the same, by way of a spool", runs, _with_facts, directory / "spool"),
        ]
    return Report("recorder", [_table([paced, *bursts], runs)], _measures(paced, bursts))


def _best(server: Server, name: str, runs: int, make: Make, spool: Path | None = None) -> Round:
    return max((_round(server, name, runs, make, spool) for _ in range(ROUNDS)), key=lambda one: one.rate)


def _bare(recorder: Recorder, number: int) -> None:
    with recorder.run(f"agent-{number % 20}", version="1.0.0"):
        pass


def _with_facts(recorder: Recorder, number: int) -> None:
    with recorder.run(
        f"agent-{number % 20}",
        version="1.0.0",
        provider="anthropic",
        session_id=f"session-{number % 1000}",
        user_id=f"user-{number % 100}",
        metadata={"region": "eu-west", "attempt": 1},
    ) as run:
        run.usage(ANSWER)
        run.tool("search")


def _round(server: Server, name: str, runs: int, make: Make, spool: Path | None = None, *, pace: float = 0) -> Round:
    recorder = Recorder(f"http://127.0.0.1:{server.port}", capacity=runs, spool=spool)
    app, client, caller = processes.cpu_seconds(server.pid), time.process_time(), time.thread_time()
    begun = time.perf_counter()
    lengths = _made(recorder, runs, make, pace)
    caller = time.thread_time() - caller
    recorder.flush(PATIENCE)
    wall = time.perf_counter() - begun
    recorder.close()
    return Round(
        name=name,
        rate=runs / wall,
        mean=1e6 * sum(lengths) / runs,
        p50=1e6 * percentile(lengths, 0.5),
        p99=1e6 * percentile(lengths, 0.99),
        caller_cpu=1e6 * caller / runs,
        client_cpu=1e6 * (time.process_time() - client) / runs,
        app_cpu=1e6 * (processes.cpu_seconds(server.pid) - app) / runs,
        missing=runs - recorder.counts.delivered,
    )


def _made(recorder: Recorder, runs: int, make: Make, pace: float) -> list[float]:
    """How long each took, in seconds; between two of them `pace` seconds go by."""
    lengths = []
    for number in range(runs):
        if pace:
            time.sleep(pace)
        begun = time.perf_counter()
        make(recorder, number)
        lengths.append(time.perf_counter() - begun)
    return lengths


def _table(rounds: list[Round], runs: int) -> Table:
    return Table(
        f"Runs from one process, {runs:,} where nothing else is said",
        ["run", "runs/s", "mean us", "p50 us", "p99 us", "caller CPU us", "client CPU us", "app CPU us", "missing"],
        [list(astuple(one)) for one in rounds],
        note="mean, p50, p99: a run in the agent's thread by the clock; CPU of that thread, its process, the server's",
    )


def _measures(paced: Round, bursts: list[Round]) -> list[Measure]:
    slowest = max([paced, *bursts], key=lambda one: one.p50)
    return [
        Measure("runs/s from one process, the least", min(one.rate for one in bursts), "", at_least=RATE_TARGET),
        Measure("a run in the agent's thread, 1,000 a second, mean", paced.mean, "us", at_most=CALLER_TARGET_US),
        Measure("a run in the agent's thread, the greatest median", slowest.p50, "us", at_most=CALLER_TARGET_US),
        Measure("runs that did not arrive", sum(one.missing for one in [paced, *bursts]), "", at_most=0),
    ]
