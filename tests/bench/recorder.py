"""The recorder: what a run costs the agent's own thread, and runs a second from one process into a local server.

The agent does nothing but make runs, as fast as it can, so that the recorder's two threads compete with it for the
interpreter, and the server and PostgreSQL for the two cores. Of several rounds the one with the best rate counts.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from formicary.client import Recorder

from . import processes
from .figures import Measure, Report, Table, percentile
from .server import Server, scratch, serve

ROUNDS = 3
PATIENCE = 60
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
    runs = 10_000 if quick else 100_000
    with scratch() as directory, serve(directory / "data") as server:
        _round(server, "warm", runs // 10, _with_facts, None)
        rounds = [
            _best(server, "a bare run", runs, _bare, None),
            _best(server, "with facts and usage", runs, _with_facts, None),
            _best(server, "the same, by way of a spool", runs, _with_facts, directory / "spool"),
        ]
    return Report("recorder", [_table(rounds, runs)], _measures(rounds))


def _best(server: Server, name: str, runs: int, make: Callable[[Recorder, int], None], spool: Path | None) -> Round:
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


def _round(server: Server, name: str, runs: int, make: Callable[[Recorder, int], None], spool: Path | None) -> Round:
    recorder = Recorder(f"http://127.0.0.1:{server.port}", capacity=runs, spool=spool)
    app, client, caller = processes.cpu_seconds(server.pid), time.process_time(), time.thread_time()
    lengths = []
    begun = last = time.perf_counter()
    for number in range(runs):
        make(recorder, number)
        now = time.perf_counter()
        lengths.append(now - last)
        last = now
    caller = time.thread_time() - caller
    recorder.flush(PATIENCE)
    wall = time.perf_counter() - begun
    recorder.close()
    return Round(
        name,
        runs / wall,
        *(1e6 * seconds for seconds in (sum(lengths) / runs, percentile(lengths, 0.5), percentile(lengths, 0.99))),
        1e6 * caller / runs,
        1e6 * (time.process_time() - client) / runs,
        1e6 * (processes.cpu_seconds(server.pid) - app) / runs,
        runs - recorder.counts.delivered,
    )


def _table(rounds: list[Round], runs: int) -> Table:
    return Table(
        f"{runs:,} runs from one process",
        ["run", "runs/s", "mean us", "p50 us", "p99 us", "caller CPU us", "client CPU us", "app CPU us", "missing"],
        [
            [one.name, one.rate, one.mean, one.p50, one.p99, one.caller_cpu, one.client_cpu, one.app_cpu, one.missing]
            for one in rounds
        ],
        note="mean, p50, p99: a run in the agent's thread by the clock; CPU of that thread, its process, the server's",
    )


def _measures(rounds: list[Round]) -> list[Measure]:
    return [
        Measure("runs/s from one process, the least", min(one.rate for one in rounds), "", at_least=RATE_TARGET),
        Measure(
            "a run in the agent's thread, the greatest mean",
            max(one.mean for one in rounds),
            "us",
            at_most=CALLER_TARGET_US,
        ),
        Measure("runs that did not arrive", sum(one.missing for one in rounds), "", at_most=0),
    ]
