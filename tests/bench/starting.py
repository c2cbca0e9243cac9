"""From `serve` to ready, and the memory of a server that nobody uses."""

from dataclasses import astuple, dataclass
from pathlib import Path

from . import processes
from .client import post
from .figures import Measure, Report, Table
from .server import scratch, serve

LATER_STARTS = 3
FIRST_TARGET, LATER_TARGET = 5.0, 2.0
MEMORY_TARGET_MB = 120
ONE_QUESTION = b'{"query":"{ projects { nodes { slug } } }"}'


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds until ready; memory after one request, proportional: pages that processes share are counted once."""

    seconds: float
    server_mb: float
    postgres_mb: float

    @property
    def mb(self) -> float:
        return self.server_mb + self.postgres_mb


def measure(*, quick: bool) -> Report:
    with scratch() as directory:
        first = _start(directory / "data")
        later = [_start(directory / "data") for _ in range(1 if quick else LATER_STARTS)]
    table = Table("Starts", ["start", "seconds until ready", "server MB", "PostgreSQL MB"])
    table.rows = [[name, *astuple(start)] for name, start in [("first", first), *(("later", start) for start in later)]]
    return Report("starting", [table], _measures(first, later))


def _measures(first: Start, later: list[Start]) -> list[Measure]:
    return [
        Measure("first start", first.seconds, "s", at_most=FIRST_TARGET),
        Measure("later start, the slowest", max(start.seconds for start in later), "s", at_most=LATER_TARGET),
        Measure("idle memory of both after a first start", first.mb, "MB", at_most=MEMORY_TARGET_MB),
        Measure("idle memory of both after a later start", later[-1].mb, "MB", at_most=MEMORY_TARGET_MB),
    ]


def _start(data: Path) -> Start:
    with serve(data) as server:
        post(server.port, ONE_QUESTION)
        postmaster = server.postgres_pid
        postgres = processes.proportional_mb([postmaster, *processes.children(postmaster)])
        return Start(server.seconds, processes.proportional_mb([server.pid]), postgres)
