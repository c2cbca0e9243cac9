"""Which operating system user runs the server: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Self

from ..errors import ConfigurationError

UNPRIVILEGED = ("formicary", "nobody")


class CommandError(Exception):
    """A program of PostgreSQL failed; the message is what it said."""


class Account(NamedTuple):
    uid: int
    gid: int

    @classmethod
    def of_server(cls, data_directory: Path) -> Self:
        """Our own; for root the owner of the data directory or, while there is none, an unprivileged user."""
        if os.geteuid() != 0:
            return cls(os.geteuid(), os.getegid())
        if data_directory.exists() and (owner := data_directory.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        return cls._unprivileged()

    @classmethod
    def _unprivileged(cls) -> Self:
        for name in UNPRIVILEGED:
            try:
                user = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(user.pw_uid, user.pw_gid)
        raise ConfigurationError(
            "PostgreSQL does not run as root, and there is no user 'formicary' or 'nobody' to run it as: "
            "add one, start Formicary as another user, or set DATABASE_URL"
        )

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def names(self) -> set[str]:
        """The names of the users that may connect: this one and the one that we are."""
        return {pwd.getpwuid(uid).pw_name for uid in (self.uid, os.geteuid())}

    def own(self, path: Path) -> None:
        """Make `path`, which we have just made, this account's."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def can_reach(self, path: Path) -> bool:
        """Whether this account may enter the directory or run the file."""
        if self.is_ours:
            return os.access(path, os.X_OK)
        return self._run(["/bin/sh", "-c", '[ -x "$1" ]', "sh", str(path)]).returncode == 0

    def execute(self, command: Sequence[str], *, pass_fds: Sequence[int] = ()) -> str:
        """Run a program to its end and give its output. Raises CommandError where it fails."""
        result = self._run(command, pass_fds)
        if result.returncode != 0:
            raise CommandError((result.stderr or result.stdout).strip() or f"exit status {result.returncode}")
        return result.stdout

    def _run(self, command: Sequence[str], pass_fds: Sequence[int] = ()) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(  # noqa: S603 - only programs of PostgreSQL
                command,
                user=None if self.is_ours else self.uid,
                group=None if self.is_ours else self.gid,
                extra_groups=None if self.is_ours else [],
                pass_fds=pass_fds,
                cwd="/",
                env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except PermissionError as error:
            raise CommandError(str(error)) from error
