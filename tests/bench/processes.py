"""CPU and memory of processes, from /proc."""

import os
from collections.abc import Iterable
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int, *, with_waited: bool = False) -> float:
    """User and system time of a process, and on request of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_waited else 13])) / TICK


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def family_cpu_seconds(pid: int) -> float:
    """The CPU time of PostgreSQL: its postmaster and all backends, also those that have ended."""
    return cpu_seconds(pid, with_waited=True) + sum(_cpu_if_alive(child) for child in children(pid))


def _cpu_if_alive(pid: int) -> float:
    try:
        return cpu_seconds(pid)
    except FileNotFoundError:
        return 0.0


def peak_mb(pid: int) -> float:
    """The most memory that was ever resident since `forget_peak`."""
    return _status_kb(pid, "VmHWM") / 1024


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def proportional_mb(pids: Iterable[int]) -> float:
    """Resident memory, what is shared counted once."""
    return sum(_rollup_kb(pid, "Pss") for pid in pids) / 1024


def _status_kb(pid: int, name: str) -> int:
    return _kb(Path(f"/proc/{pid}/status"), name)


def _rollup_kb(pid: int, name: str) -> int:
    return _kb(Path(f"/proc/{pid}/smaps_rollup"), name)


def _kb(path: Path, name: str) -> int:
    line = next(line for line in path.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])
