from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formicary.ingest.scalars import (
    parse_big_int,
    parse_decimal,
    parse_duration,
    parse_instant,
    print_decimal,
    print_duration,
)

anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers().map(lambda number: number**99),
    st.floats(),
    st.text(st.characters()),
    st.from_regex(r"[-+PT0-9.eEsmhdwWDMHSyY:Z_ ]{0,40}"),
    st.lists(st.integers()),
    st.dictionaries(st.text(), st.integers()),
)


@pytest.mark.parametrize("parse", [parse_duration, parse_decimal, parse_instant, parse_big_int])
@given(value=anything)
def test_a_scalar_is_read_or_refused_with_a_value_error(parse: Callable[[object], Any], value: object) -> None:
    try:
        parse(value)
    except ValueError as error:
        assert 0 < len(str(error)) < 800  # noqa: PT017


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        ("5m30s", 330_000),
        ("250ms", 250),
        ("90s", 90_000),
        ("1.5h", 5_400_000),
        ("7d", 604_800_000),
        ("1W", 604_800_000),
        ("1h1m", 3_660_000),
        ("PT5M30S", 330_000),
        ("P1DT1S", 86_401_000),
        ("-PT5S", -5_000),
        ("1234", 1234),
        ("12.6", 13),
        (1234, 1234),
        (0.4, 0),
        (-1, -1),
    ],
)
def test_durations_are_read(value: object, milliseconds: int) -> None:
    assert parse_duration(value) == milliseconds


@pytest.mark.parametrize(
    "value", ["", "5 minutes", "m5", "5m-3s", "١s", "1e3", "P1Y", True, None, [], float("nan"), 10**400, "9" * 101]
)
def test_what_is_no_duration_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(value)


@given(st.integers(0, 10**12))
def test_a_printed_duration_reads_the_same(milliseconds: int) -> None:
    assert parse_duration(print_duration(milliseconds)) == milliseconds


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=20))
def test_a_printed_decimal_reads_exactly_the_same(value: Decimal) -> None:
    assert parse_decimal(print_decimal(value)) == value
    assert "E" not in print_decimal(value)


@pytest.mark.parametrize("value", ["1_000", " 1", "NaN", "Infinity", "-inf", "١", "", ".", "1e", "0x1", True, None, []])
def test_what_is_no_decimal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a decimal number"):
        parse_decimal(value)


def test_a_number_is_read_as_its_shortest_decimal() -> None:
    assert parse_decimal(0.1) == Decimal("0.1")
    assert parse_decimal(1e-7) == Decimal("0.0000001")


def test_an_instant_needs_its_offset() -> None:
    assert parse_instant("2026-01-31T13:00:00+01:00") == datetime(2026, 1, 31, 12, tzinfo=UTC)
    with pytest.raises(ValueError, match="is not an instant"):
        parse_instant("2026-01-31T13:00:00")


@pytest.mark.parametrize("value", [2**53, -(2**53), 1.5, "1", True, None])
def test_what_is_no_big_int_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        parse_big_int(value)


def test_a_big_int_may_come_as_a_whole_float() -> None:
    assert parse_big_int(2.0) == 2
    assert parse_big_int(2**53 - 1) == 2**53 - 1
