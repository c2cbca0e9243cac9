"""Estimates are genai-prices' own, unless somebody has set a price."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from formicary.db import Database
from formicary.ingest.pricing import Prices
from formicary.ingest.recorder import Recorder

from .factories import ago, run_input, stored_run

MODELS = [(provider.id, model.id) for provider in get_snapshot().providers for model in provider.models]
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SET_PRICE = """
    INSERT INTO model_price (model, provider, input_per_million, output_per_million, valid_from)
    VALUES ($1, $2, $3, $4, $5)"""

tokens = st.one_of(st.integers(0, 10), st.integers(0, 1_000_000), st.sampled_from([128_000, 200_000, 200_001, 272_001]))
instants = st.datetimes(datetime(2000, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


def of_the_library(model: str, provider: str | None, at: datetime, **usage: int) -> Decimal | None:
    """What the library computes; None where it has no price for tokens (of audio models, say), which it takes for 0."""
    try:
        found = calc_price(Usage(**usage), model, provider_id=provider, genai_request_timestamp=at)
    except LookupError:
        return None
    tokens_have_a_price = found.model_price.input_mtok is not None or found.model_price.output_mtok is not None
    return found.total_price if tokens_have_a_price else None


_prices = Prices()


def test_a_price_that_depends_on_the_time_of_day_is_that_of_each_run() -> None:
    prices, noon = Prices(), datetime(2025, 6, 1, 12, tzinfo=UTC)
    named: Any = {"model": "deepseek-chat", "provider": "deepseek", "input_tokens": 1000, "output_tokens": 1000}
    by_day, by_night = (prices.estimate(at=noon.replace(hour=hour), **named) for hour in (12, 20))
    assert (by_day, by_night) == (Decimal("0.00137"), Decimal("0.000685"))


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(MODELS), st.booleans(), instants, tokens, tokens, st.fractions(0, 1))
def test_the_estimate_is_the_librarys_own(
    named: tuple[str, str], with_provider: bool, at: datetime, input_tokens: int, output_tokens: int, part: Any
) -> None:
    model, provider = named[1], named[0] if with_provider else None
    cached = int(input_tokens * part)
    for _ in range(2):  # computed, then remembered
        estimate = _prices.estimate(
            model=model,
            provider=provider,
            at=at,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cached_input_tokens=cached,
        )
        usage = {"input_tokens": input_tokens, "output_tokens": output_tokens, "cache_read_tokens": cached}
        assert estimate == of_the_library(model, provider, at, **usage)


@given(st.text(max_size=20), st.one_of(st.none(), st.text(max_size=20)))
def test_any_text_may_be_a_model(model: str, provider: str | None) -> None:
    cost = estimate(Prices(), model=model, provider=provider)
    assert cost is None or cost >= 0


def estimate(prices: Prices, **changes: Any) -> Decimal | None:
    usage: dict[str, Any] = {
        "model": "gpt-4o",
        "provider": "openai",
        "at": AT,
        "input_tokens": 1_000_000,
        "output_tokens": 0,
    }
    return prices.estimate(**usage | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": None},
        {"model": "no such model"},
        {"provider": "nobody"},
        {"input_tokens": None, "output_tokens": None},
    ],
    ids=str,
)
def test_without_model_price_or_tokens_there_is_no_cost(changes: dict[str, Any]) -> None:
    assert estimate(Prices(), **changes) is None


def test_the_day_of_the_run_decides_in_utc() -> None:
    prices = Prices()
    before = datetime.fromisoformat("2026-01-01T00:30:00+02:00")
    assert estimate(prices, at=before) == estimate(prices, at=before.astimezone(UTC))


async def test_a_price_that_was_set_holds_from_its_date_on(db: Database) -> None:
    await db.execute(SET_PRICE, "GPT-4o", "", 7, 70, AT)
    await db.execute(SET_PRICE, "gpt-4o", "OpenAI", 8, 80, AT.replace(month=7))
    prices = Prices()
    await prices.refresh(db)
    assert estimate(prices, at=AT.replace(month=5)) == Decimal("2.5")
    assert estimate(prices) == 7
    assert estimate(prices, output_tokens=1_000_000, cached_input_tokens=500_000) == 77
    assert estimate(prices, provider=None, at=AT.replace(month=8)) == 7
    assert estimate(prices, at=AT.replace(month=8)) == 8


async def test_a_price_that_was_set_is_read_again_when_asked(db: Database) -> None:
    prices = Prices()
    await prices.refresh(db)
    await db.execute(SET_PRICE, "mine", "", 1, 1, AT)
    await prices.refresh(db)
    assert estimate(prices, model="mine") is None
    await prices.refresh(db, force=True)
    assert estimate(prices, model="mine") == 1


@pytest.mark.parametrize(
    ("fields", "cost", "source"),
    [
        ({"model": "gpt-4o", "inputTokens": 1_000_000}, Decimal("2.5"), 1),
        ({"model": "gpt-4o", "inputTokens": 1_000_000, "cost": "0"}, Decimal(0), 0),
        ({"cost": "0.000000000000000000000000000001"}, Decimal("1e-30"), 0),
        ({"cost": "999999999.123456789012345678901"}, Decimal("999999999.123456789012345678901"), 0),
        ({"cost": 0.1}, Decimal("0.1"), 0),
        ({"model": "unheard of", "inputTokens": 1}, None, 2),
        ({"model": "gpt-4o"}, None, 2),
        ({}, None, 2),
    ],
    ids=str,
)
async def test_a_run_says_where_its_cost_is_from(
    db: Database, fields: dict[str, Any], cost: Decimal | None, source: int
) -> None:
    await Recorder(db).record([run_input(startedAt=ago(60).isoformat(), **fields)])
    row = await stored_run(db)
    assert (row["cost"], row["cost_source"]) == (cost, source)
