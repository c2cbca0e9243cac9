"""Log lines for people or for machines. What authenticates a caller never gets into one."""

import logging
import re
import sys
from datetime import UTC, datetime

import msgspec

from .config import Settings

CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)\s+[^\s'\",]+|(\w+://[^:/@\s]*):[^@\s]+@")


def configure(settings: Settings) -> None:
    """Send every logger's lines to stderr in the format and from the level of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())


def scrub(text: str) -> str:
    """Take out what follows `Bearer` or `Basic`, and the password of a URL."""
    return CREDENTIALS.sub(_replace, text)


def _replace(match: re.Match[str]) -> str:
    scheme, url = match.groups()
    return f"{scheme} ***" if scheme else f"{url}:***@"


class TextFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message and, for an error, its traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": scrub(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = scrub(self.formatException(record.exc_info))
        return msgspec.json.encode(entry).decode()
