"""Runs kept on disk until the server has them.

A directory holds the segments of all processes that spool there, `<owner>-<number>.jsonl`: each a batch of messages,
one JSON object a line, only ever appended to, and removed when the server has answered for all of it. An owner is one
recorder of one process. It holds a lock on `<owner>.lock` for as long as it lives; who gets the lock of another owner
knows it gone and takes over its segments. Two who send the same segment do no harm, since runs have external ids.

What the server will never take is appended to `refused.jsonl`.

Without `sync` a message is safe from the death of its process as soon as it is written, and from that of the machine
when the system has written it to the disk, some 30 s later; with `sync` it is at once (`fsync` of every append).
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from .identifier import new_id

SEGMENT = "*-*.jsonl"
REFUSED = "refused.jsonl"


class Segment:
    """A batch on disk. It grows unless it is another owner's, whose last line may have been cut off."""

    in_memory = False

    def __init__(self, spool: "Spool", path: Path, *, size: int = 0, grows: bool = True) -> None:
        self._spool = spool
        self._count = 0
        self.path = path
        self.size = size
        self.grows = grows

    def __len__(self) -> int:
        """Of the runs that this process has put there."""
        return self._count

    def append(self, lines: Sequence[bytes]) -> None:
        """Raises OSError; then nothing was appended."""
        self._spool.lock(self.path)
        data = _text(lines)
        _append(self.path, data, size=self.size, sync=self._spool.sync)
        self.size += len(data)
        self._count += len(lines)
        self._spool.resize(len(data))

    def read(self) -> list[bytes]:
        """Raises OSError. A line that its process was killed in the midst of is there as it is, cut off."""
        return [line for line in self.path.read_bytes().split(b"\n") if line]

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._spool.resize(-self.size)
        self._spool.release(self.path)


class Spool:
    """The directory, as one owner sees it. Nothing is written before there is something to keep."""

    def __init__(self, directory: Path, *, most_bytes: int, sync: bool = False) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._owner = new_id()
        self._numbers = count(1)
        self._locks: dict[str, int] = {}
        self._bytes = 0
        self.sync = sync

    @property
    def has_room(self) -> bool:
        return self._bytes < self._most_bytes

    def segment(self) -> Segment:
        """A new one of our own, not on disk yet."""
        return Segment(self, self._directory / f"{self._owner}-{next(self._numbers):06}.jsonl")

    def orphans(self) -> list[Segment]:
        """The segments of owners that are gone, the oldest first; they are ours now."""
        owners = {_owner(path) for path in self._directory.glob(SEGMENT)} - {self._owner, *self._locks}
        return [segment for owner in sorted(owners) if self._claims(owner) for segment in self._segments(owner)]

    def refuse(self, lines: Sequence[bytes]) -> None:
        """Keep what the server will never take, for a person to look at. Raises OSError."""
        path = self._directory / REFUSED
        size = path.stat().st_size if path.exists() else 0
        if size < self._most_bytes:
            _append(path, _text(lines), size=None, sync=self.sync)

    def lock(self, path: Path) -> None:
        """Have the owner of a segment seen to be alive. Where that fails, others may send its segments as well."""
        if (owner := _owner(path)) not in self._locks:
            self._claims(owner)

    def resize(self, size: int) -> None:
        self._bytes += size

    def release(self, path: Path) -> None:
        """Let go of an owner that is gone, when its last segment is."""
        owner = _owner(path)
        if owner != self._owner and not any(self._paths(owner)):
            self._let_go(owner)

    def close(self) -> None:
        """Leave what there still is to the next process."""
        for owner in list(self._locks):
            self._let_go(owner)

    def abandon(self) -> None:
        """In a forked child: the locks are the parent's, and must not outlive it here."""
        for descriptor in self._locks.values():
            os.close(descriptor)
        self._locks.clear()

    def _paths(self, owner: str) -> Iterator[Path]:
        return self._directory.glob(f"{owner}-*.jsonl")

    def _segments(self, owner: str) -> list[Segment]:
        segments = [Segment(self, path, size=path.stat().st_size, grows=False) for path in sorted(self._paths(owner))]
        self.resize(sum(segment.size for segment in segments))
        if not segments:
            self._let_go(owner)
        return segments

    def _claims(self, owner: str) -> bool:
        try:
            descriptor = os.open(self._lock_path(owner), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._locks[owner] = descriptor
        return True

    def _let_go(self, owner: str) -> None:
        if not any(self._paths(owner)):
            self._lock_path(owner).unlink(missing_ok=True)
        if (descriptor := self._locks.pop(owner, None)) is not None:
            os.close(descriptor)

    def _lock_path(self, owner: str) -> Path:
        return self._directory / f"{owner}.lock"


def _owner(path: Path) -> str:
    return path.stem.rpartition("-")[0]


def _text(lines: Sequence[bytes]) -> bytes:
    return b"\n".join(lines) + b"\n"


def _append(path: Path, data: bytes, *, size: int | None, sync: bool) -> None:
    """Append all of it or, where `size` says how long the file was, nothing of it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        written = 0
        while written < len(data):
            written += os.write(descriptor, data[written:])
        if sync:
            os.fsync(descriptor)
            _sync_name(path, is_new=size == 0)
    except OSError:
        if size is not None:
            os.ftruncate(descriptor, size)
        raise
    finally:
        os.close(descriptor)


def _sync_name(path: Path, *, is_new: bool) -> None:
    """A new file is safe when its directory is, too."""
    if is_new:
        directory = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
