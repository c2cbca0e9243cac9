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


@pytest.mark.parametrize(
    ("seconds", "text"), [(59, "0 m"), (3599, "59 m"), (3600, "1 h"), (86_399, "23 h"), (60 * 86_400, "60 d")]
)
def test_uptime_is_in_minutes_hours_or_days(seconds: float, text: str) -> None:
    assert formats.uptime(seconds) == text.replace(" ", "\u2009")


@pytest.mark.parametrize(
    ("value", "text"),
    [(999, "999"), (1000, "1.0 k"), (9_949, "9.9 k"), (9_999, "10 k"), (99_990, "100 k"), (2_700_000, "2.7 M")],
)
def test_large_number_is_short_where_there_is_little_room(value: float, text: str) -> None:
    assert formats.compact(value) == text.replace(" ", "\u2009")


@pytest.mark.parametrize(
    ("rate", "level"), [(None, None), (0.95, "good"), (0.949, "fair"), (0.8, "fair"), (0.79, "poor")]
)
def test_success_rate_has_a_level(rate: float | None, level: str | None) -> None:
    assert formats.success_level(rate) == level


@pytest.mark.parametrize(("rate", "level"), [(None, None), (0.1, None), (0.101, "poor")])
def test_error_rate_has_a_level_only_where_it_is_too_high(rate: float | None, level: str | None) -> None:
    assert formats.error_level(rate) == level
