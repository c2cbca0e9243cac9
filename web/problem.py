"""What went wrong, as a person is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`error_id` is the one in the log; `may_pass` says that trying again is worth it."""

    status: int
    title: str
    message: str
    error_id: str | None
    may_pass: bool
