"""Log lines on stderr, as text for people or as JSON for machines, without secrets and the values of rows."""

import logging
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import asyncpg
import msgspec

from .config import Settings

CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",]+|(\w+://[^:/@\s]*):[^@\s]+@|\bfmy_\w+")

QUIET = ("uvicorn", "alembic", "asyncio")
"""Of these only warnings and errors."""


def start_logging(settings: Settings) -> None:
    """Send everybody's lines to stderr in the format and from the level of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    handler.addFilter(without_details)
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def without_details(record: logging.LogRecord) -> bool:
    """Take the DETAIL out of PostgreSQL's errors: it quotes the values of the row that they are about."""
    for error in _errors(record):
        if isinstance(error, asyncpg.PostgresError):
            error.detail = None
    return True


def _errors(record: logging.LogRecord) -> Iterator[BaseException]:
    """The errors that a record tells of, with all that led to them."""
    pending = [*(record.args or ()), *(record.exc_info or ())]
    seen = set()
    while pending:
        error = pending.pop()
        if isinstance(error, BaseException) and error not in seen:
            seen.add(error)
            yield error
            pending += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]


def scrub(text: str) -> str:
    """Take out what follows `Bearer` or `Basic`, the password of a URL, and anything that looks like a key."""
    return CREDENTIALS.sub(_starred, text)


def _starred(match: re.Match[str]) -> str:
    scheme, url = match.groups()
    if url is not None:
        return f"{url}:***@"
    return f"{scheme} ***" if scheme else "***"


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("{asctime} {levelname:<7} {name}: {message}", style="{")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002
        return _instant(record)

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class JsonFormatter(logging.Formatter):
    """One object a line: time, level, logger, message and, for an error, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
        }
        if record.exc_info:
            line["traceback"] = scrub(self.formatException(record.exc_info))
        return msgspec.json.encode(line).decode()


def _instant(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
