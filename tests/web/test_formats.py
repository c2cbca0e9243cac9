from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from formicary_web import formats

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("write", [formats.number, formats.percent, formats.duration, formats.money, formats.score])
def test_unknown_is_a_dash(write: Callable[[None], str]) -> None:
    assert write(None) == "–"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (999.7, "1.0 s"),
        (59_940, "59.9 s"),
        (59_960, "1 min 0 s"),
        (3_599_000, "59 min 59 s"),
        (3_600_000, "1 h 0 min"),
        (90_000_000, "25 h 0 min"),
    ],
)
def test_duration_is_in_the_unit_that_reads_best(milliseconds: float, text: str) -> None:
    assert formats.duration(milliseconds) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        ("0", "$0.00"),
        ("0.5", "$0.50"),
        ("0.00126", "$0.0013"),
        ("0.0000071", "$0.0000071"),
        ("12.345", "$12.34"),
        ("1234567.8", "$1\u2009234\u2009567.80"),
    ],
)
def test_small_money_keeps_two_digits(usd: str, text: str) -> None:
    assert formats.money(Decimal(usd)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_399, "23 h ago"),
        (86_400, "1 d ago"),
    ],
)
def test_ago_counts_whole_units(seconds: float, text: str) -> None:
    assert formats.ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_number_and_percent_are_grouped_and_rounded() -> None:
    assert formats.number(1234567) == "1\u2009234\u2009567"
    assert formats.percent(0.12345) == "12.3\u2009%"


def test_times_are_written_in_utc() -> None:
    assert formats.utc(NOW) == "2026-03-01 12:00:00 UTC"
    assert formats.iso(NOW) == "2026-03-01T12:00:00.000Z"
