"""Where the server's Unix socket lies: beside the data, or elsewhere where that path is too long.

The address of a Unix socket holds about a hundred bytes, and both the server's user and we have to get there.
A directory elsewhere is remembered by a symbolic link beside the data.
"""

import shutil
import socket
import stat
import tempfile
from pathlib import Path

from ..errors import ConfigurationError
from .account import Account

PORT = 5432
"""No network port: only a part of the socket's name."""
LONGEST_ADDRESS = 100


def is_listening(directory: Path) -> bool:
    """Whether a server takes connections there, also one in another container on the same files."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(_socket_file(directory)))
        except OSError:
            return False
        return True


def socket_directory(home: Path, account: Account) -> Path:
    """The directory to use, made if need be; the same each time as far as possible."""
    beside = home / "socket"
    if beside.is_symlink():
        directory = beside.readlink()
        if _is_private(directory, account) or _made_private(directory, account):
            return directory
        beside.unlink()
    elif _fits(beside) and account.can_reach(home) and (beside.exists() or _made_private(beside, account)):
        return beside
    elif beside.exists():
        shutil.rmtree(beside)  # the data was moved to where it no longer fits
    elsewhere = _short_directory(account)
    beside.symlink_to(elsewhere)
    return elsewhere


def remove_socket_directory(home: Path) -> None:
    """Remove the directory of a server that has stopped, if it lies elsewhere."""
    beside = home / "socket"
    if beside.is_symlink() and beside.readlink().is_dir():
        beside.readlink().rmdir()


def _short_directory(account: Account) -> Path:
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):  # noqa: S108 - mkdtemp makes a private one
        if _fits(Path(parent, "formicary-12345678")) and account.can_reach(Path(parent)):
            directory = Path(tempfile.mkdtemp(prefix="formicary-", dir=parent))
            account.own(directory)
            return directory
    raise ConfigurationError("there is no directory for PostgreSQL's socket: set TMPDIR to a short path")


def _made_private(directory: Path, account: Account) -> bool:
    try:
        directory.mkdir(mode=0o700)
    except (FileExistsError, FileNotFoundError):
        return False
    account.own(directory)
    return True


def _socket_file(directory: Path) -> Path:
    return directory / f".s.PGSQL.{PORT}"


def _fits(directory: Path) -> bool:
    return len(bytes(_socket_file(directory))) <= LONGEST_ADDRESS


def _is_private(directory: Path, account: Account) -> bool:
    """Whether it is still the one that we made; once ours is gone, anybody may make another."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o700 and status.st_uid == account.uid
