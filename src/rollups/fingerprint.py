"""Which runs failed of the same cause, in SQL over a row `r` of `run`.

A fingerprint is the start of the message with whatever tells one occurrence from another replaced: "timeout after
1203 ms" and "timeout after 988 ms" have the same. Runs that failed with a type and no message have an empty one.
"""

from collections.abc import Iterable

MESSAGE_LENGTH = 100

ERRED = "r.status IN (3, 5) AND (r.error_message IS NOT NULL OR r.error_type IS NOT NULL)"
"""Whether a run counts among the errors: it failed or timed out, and says of what."""

MESSAGE = f"left(coalesce(r.error_message, ''), {MESSAGE_LENGTH})"

REPLACED = (
    # URLs, then paths of two steps or more, with drive letters and backslashes as well
    (r"\m[a-z][a-z0-9+.-]*://[^\s''\"<>)]+", "<url>"),
    (r"(\m[a-z]:|~)?([/\\][^\s/\\:;,''\"<>()]+){2,}[/\\]?", "<path>"),
    # dates with or without a time, then times of day
    (r"\m\d{4}-\d\d-\d\d([t ]\d\d:\d\d(:\d\d([.,]\d+)?)?( ?(z|utc|[+-]\d\d:?\d\d))?)?", "<time>"),
    (r"\m\d\d:\d\d(:\d\d([.,]\d+)?)?\M", "<time>"),
    # UUIDs, and long words of hexadecimal digits
    (r"\m[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\M", "<id>"),
    (r"\m(0x)?(?=[a-f]*\d)[0-9a-f]{8,}\M", "<id>"),
    # ids such as req_8Fh2, then numbers with their signs and decimals
    (r"\m[a-z]+_[a-z0-9]*\d[a-z0-9]*\M", "<id>"),
    (r"((?<![a-z0-9])[+-])?\d+([.,]\d+)*", "<n>"),
)
"""Patterns in PostgreSQL's syntax, in either case and in this order, numbers last; quotes are doubled."""


# Most messages hold nothing but numbers, if anything: looking for what the patterns need takes a third of the time.
_VARIES = r"[-0-9/\\]"
_MORE_THAN_NUMBERS = r"[/\\_]|\d[-:]\d|[0-9a-f]{8}"


def _replaced(patterns: Iterable[tuple[str, str]]) -> str:
    sql = MESSAGE
    for pattern, placeholder in patterns:
        sql = f"regexp_replace({sql}, '{pattern}', '{placeholder}', 'gi')"
    return sql


FINGERPRINT = f"""CASE
    WHEN {MESSAGE} !~ '{_VARIES}' THEN {MESSAGE}
    WHEN {MESSAGE} !~* '{_MORE_THAN_NUMBERS}' THEN {_replaced(REPLACED[-1:])}
    ELSE {_replaced(REPLACED)} END"""
