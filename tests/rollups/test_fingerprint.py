"""Messages that tell of one cause have one fingerprint, whatever else they tell."""

from random import Random

import pytest

from formicary.db import Database
from formicary.rollups.fingerprint import FINGERPRINT, MESSAGE, REPLACED

PIECES = (
    *(
        "timeout",
        "after",
        "Deadbeef",
        "é",
        "face",
        "a",
        "z",
        "o'clock",
        "",
        "",
        "",
        "deadbeef-dead-beef-dead-beefdeadbeef",
    ),
    *("0", "7", "12", "1203", "2026", "8c1f", "0x1F", "12345678", "abcdef01", "D3ADBEEF", "1,5", "+3", "-8"),
    *("2026-11-12", "12:30", "T12:30:15.25", "+01:00", "Z", "3f2504e0-4f89-11d3-9a0c-0305e82c3301"),
    *("req_8Fh2", "run_a", "http", "https://a.b/c?d=1", "/var/log", "C:\\temp\\x", "~/a/b", "upstream-3"),
    *(" ", " ", " ", "/", "\\", "_", "-", ":", ".", ",", "'", '"', "(", ")", "<", ">", "+", "://"),
)


async def fingerprints(db: Database, messages: list[str], sql: str = FINGERPRINT) -> list[str]:
    rows = await db.fetch(
        f"SELECT {sql} FROM unnest($1::text[]) WITH ORDINALITY AS r (error_message, place) ORDER BY place", messages
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("message", "fingerprint"),
    [
        ("", ""),
        ("no answer", "no answer"),
        ("timeout after 1203 ms", "timeout after <n> ms"),
        ("off by -1,5 or +2.25", "off by <n> or <n>"),
        ("connection to upstream-3 was reset", "connection to upstream-<n> was reset"),
        ("no such file: /var/log/a.log", "no such file: <path>"),
        (r"no such file: C:\temp\a.log", "no such file: <path>"),
        ("GET https://a.example/b?c=1 failed", "GET <url> failed"),
        ("since 2026-11-12T12:30:15.25+01:00", "since <time>"),
        ("at 12:30:15 again", "at <time> again"),
        ("run 3F2504E0-4f89-11d3-9a0c-0305e82c3301 is gone", "run <id> is gone"),
        ("run deadbeef-dead-beef-dead-beefdeadbeef is gone", "run <id> is gone"),
        ("object d3adbeef is gone", "object <id> is gone"),
        ("request req_8Fh2 was refused", "request <id> was refused"),
        ("feedface, but no digits", "feedface, but no digits"),
        ("x" * 99 + "123", "x" * 99 + "<n>"),
    ],
)
async def test_what_tells_occurrences_apart_is_replaced(db: Database, message: str, fingerprint: str) -> None:
    assert await fingerprints(db, [message]) == [fingerprint]


async def test_what_is_not_looked_for_would_not_be_found(db: Database) -> None:
    random = Random(1)
    messages = ["".join(random.choices(PIECES, k=random.randrange(1, 6))) for _ in range(5_000)]
    everything = MESSAGE
    for pattern, placeholder in REPLACED:
        everything = f"regexp_replace({everything}, '{pattern}', '{placeholder}', 'gi')"
    assert await fingerprints(db, messages) == await fingerprints(db, messages, everything)
