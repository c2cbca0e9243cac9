"""What the server's answer means for a batch: it has it, it may have it later, or it will never have it."""

import json
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple, TypeAlias

LATER = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses of a server, or of a proxy before it, that is away or busy."""

PARTS_MAY_PASS = frozenset({400, 413, 422})
PARTS_MAY_PASS_CODES = frozenset({"BAD_USER_INPUT", "BAD_REQUEST", "PAYLOAD_TOO_LARGE", "LIMIT_EXCEEDED"})

LONGEST_WAIT = 3600.0


class Recorded(NamedTuple):
    """The batch is committed, but for the runs at these places, for these reasons."""

    rejected: Mapping[int, str]


class Later(NamedTuple):
    """`after` is how many seconds the server asks to wait; `is_away` tells it from one that broke over this batch."""

    reason: str
    after: float = 0.0
    is_away: bool = True


class Refused(NamedTuple):
    """Sent again, it would be refused again. `parts_may_pass`: it may be the fault of single runs, or of the size."""

    reason: str
    parts_may_pass: bool = False


Answer: TypeAlias = Recorded | Later | Refused


def read_answer(status: int, retry_after: str | None, body: bytes) -> Answer:
    if status in LATER:
        return Later(f"HTTP {status}{_message(body)}", _seconds(retry_after))
    if status >= 500:
        return Later(f"HTTP {status}{_message(body)}", _seconds(retry_after), is_away=False)
    if status != 200:
        return Refused(f"HTTP {status}{_message(body)}", status in PARTS_MAY_PASS)
    try:
        return _read(json.loads(body))
    except (ValueError, TypeError, LookupError, AttributeError):
        return Later(f"an answer that is not Formicary's: {body[:100]!r}", is_away=False)


def _read(answer: dict[str, Any]) -> Answer:
    if errors := answer.get("errors"):
        codes = {error.get("extensions", {}).get("code") for error in errors}
        reason = "; ".join(error["message"] for error in errors[:3])
        if codes & {"UNAVAILABLE", "INTERNAL"}:
            return Later(reason, is_away="UNAVAILABLE" in codes)
        return Refused(reason, bool(codes & PARTS_MAY_PASS_CODES))
    rejected = answer["data"]["recordRuns"]["rejected"]
    return Recorded({run["index"]: _problems(run["problems"]) for run in rejected})


def _problems(problems: list[dict[str, str]]) -> str:
    return "; ".join(f"{problem['path']}: {problem['message']}" for problem in problems)


def _message(body: bytes) -> str:
    """What the server says, if it is Formicary."""
    try:
        return f": {json.loads(body)['errors'][0]['message']}"
    except (ValueError, TypeError, LookupError):
        return ""


def _seconds(retry_after: str | None) -> float:
    """Of the header, which is a number of seconds or a date (RFC 9110, 10.2.3); an hour at most."""
    if not retry_after:
        return 0.0
    try:
        seconds = float(retry_after)
    except ValueError:
        seconds = _until(retry_after)
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, TypeError):
        return 0.0
