"""Where the tests write: into memory if there is room.

A cluster of PostgreSQL has 1,000 files and a clone of a database 700, and ext4 does not give out an inode again within
minutes of its release: it steps over each of those released lately. Among clones and clusters that come and go that
makes a new one take a second and more, rather than 50 ms.
"""

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")  # Linux has it; that of a container may be small
ROOM = 2 * 1024**3


def directory() -> Path | None:
    """None where there is no room."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM else None


def use_for_temporary_files() -> None:
    """Of this process and those that it starts, unless somebody has chosen another place."""
    if "TMPDIR" not in os.environ and (place := directory()) is not None:
        os.environ["TMPDIR"] = str(place)
        tempfile.tempdir = None  # it is asked for anew
