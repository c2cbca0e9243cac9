"""Where the server's Unix socket lies: beside the data, or in a short private directory where that path is too long.

The address of a Unix socket holds about a hundred bytes, and both the server's user and we have to get there.
A directory elsewhere is remembered by a symbolic link beside the data.
"""

import stat
import tempfile
from pathlib import Path

from ..errors import ConfigurationError
from .account import Account
from .cluster import PORT

LONGEST_ADDRESS = 100


def socket_file(directory: Path) -> Path:
    return directory / f".s.PGSQL.{PORT}"


def socket_directory(home: Path, account: Account) -> Path:
    beside = home / "socket"
    if beside.is_symlink():
        target = beside.readlink()
        if _is_private(target, account):
            return target
        beside.unlink()
    elif _fits(beside) and account.can_reach(home):
        return _make_private(beside, account)
    elsewhere = _short_directory(account)
    beside.symlink_to(elsewhere)
    return elsewhere


def remove_socket_directory(home: Path) -> None:
    """Remove the directory of a server that has stopped, if it lies elsewhere."""
    beside = home / "socket"
    if beside.is_symlink():
        if beside.readlink().is_dir():
            beside.readlink().rmdir()
        beside.unlink()


def _short_directory(account: Account) -> Path:
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        if _fits(Path(parent, "formicary-12345678")) and account.can_reach(Path(parent)):
            directory = Path(tempfile.mkdtemp(prefix="formicary-", dir=parent))
            account.own(directory)
            return directory
    raise ConfigurationError("there is no directory for PostgreSQL's socket: set TMPDIR to a short path")


def _make_private(directory: Path, account: Account) -> Path:
    if not directory.exists():
        directory.mkdir(mode=0o700)
        account.own(directory)
    return directory


def _fits(directory: Path) -> bool:
    return len(bytes(socket_file(directory))) <= LONGEST_ADDRESS


def _is_private(directory: Path, account: Account) -> bool:
    """Whether it is still the one that we made; anybody may make a directory of that name once ours is gone."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and stat.S_IMODE(status.st_mode) == 0o700
        and status.st_uid == account.uid
    )
