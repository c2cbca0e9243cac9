"""What went wrong, as a person is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """`error_id` is the one in the log. Trying again is worth it if it `may_pass`, logging in if there is a `login`."""

    status: int
    title: str
    message: str
    error_id: str | None
    may_pass: bool
    login: str | None = None
