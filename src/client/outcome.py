"""How a run ended, by the exception that it ended with."""

import asyncio
import concurrent.futures
from collections.abc import Iterator
from typing import NamedTuple

MAX_MESSAGE = 1_000
MAX_TYPE = 200

CANCELLATIONS = (
    asyncio.CancelledError,
    concurrent.futures.CancelledError,
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
)
TIMEOUTS = frozenset({"TimeoutError", "APITimeoutError", "TimeoutException", "Timeout", "DeadlineExceeded"})
"""Classes by name, their subclasses included: Python's own, and those of openai and anthropic, httpx, requests and
Google's clients, which do not derive from it."""


class Outcome(NamedTuple):
    status: str
    error_type: str | None = None
    error_message: str | None = None


SUCCEEDED = Outcome("SUCCEEDED")


def outcome_of(error: BaseException | None) -> Outcome:
    """A group of one exception counts as that exception."""
    if error is None:
        return SUCCEEDED
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return Outcome(_status(error), type(error).__qualname__[-MAX_TYPE:], message(_text(error)))


def message(text: str) -> str | None:
    """As the API takes it: cut, without what PostgreSQL cannot store."""
    cut = text[:MAX_MESSAGE].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return cut.encode(errors="replace").decode() or None


def _status(error: BaseException) -> str:
    if isinstance(error, CANCELLATIONS) or any(name == "Cancelled" for name in _class_names(error)):
        return "CANCELLED"
    return "TIMED_OUT" if any(name in TIMEOUTS for name in _class_names(error)) else "FAILED"


def _class_names(error: BaseException) -> Iterator[str]:
    return (class_.__name__ for class_ in type(error).__mro__)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001 - an exception's own text may fail; its type is still worth keeping
        return f"(its message cannot be read: {type(broken).__name__})"
