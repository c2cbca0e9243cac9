"""Errors of background work: as the log is told of them, and as they are kept."""

import logging
import re
import time

import asyncpg

from ..logs import scrub

log = logging.getLogger(__name__)

LONGEST = 500
SILENCE_SECONDS = 60.0


def text_of(error: Exception) -> str:
    """Type and message, without secrets and the values of rows, which PostgreSQL puts behind its message."""
    message = error.args[0] if isinstance(error, asyncpg.PostgresError) and error.args else error
    return scrub(f"{type(error).__name__}: {message}")[:LONGEST]


class Failures:
    """Logs the failures of one loop, each with its traceback, the same one at most once a minute."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told: dict[str, float] = {}

    def tell(self, error: Exception) -> str:
        """Gives the text of the error."""
        text, now = text_of(error), time.monotonic()
        self._told = {kind: at for kind, at in self._told.items() if now - at < SILENCE_SECONDS}
        kind = re.sub(r"\d+", "#", text)
        if kind not in self._told:
            self._told[kind] = now
            log.error("%s failed", self._name, exc_info=error)
        return text
