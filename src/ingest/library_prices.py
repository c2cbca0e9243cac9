"""What genai-prices knows; load this when a price is asked for, since the library takes 30 to 80 ms and 2 MB.

It computes one price in about 50 us, so a rate that is linear in the tokens is better asked for once.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from genai_prices import Usage, calc_price, data_snapshot
from genai_prices.types import PriceCalculation, StartDateConstraint, TieredPrices

from .rate import Rate, per_token


def models() -> Iterator[tuple[str, str]]:
    """Provider and model, in the library's order."""
    for provider in data_snapshot.get_snapshot().providers:
        for model in provider.models:
            yield provider.id, model.id


def rate_of(model: str, provider: str | None, at: datetime) -> Rate | None:
    """The rate that genai-prices knows for a model on a day; None where it knows none for tokens.

    Where the price also depends on the time of day, `below` is 0: each run is then priced by the library.
    """
    found = _calculation(model, provider, at, 0, 0, 0)
    if found is None:
        return None
    prices = found.model_price
    input_price, output_price = prices.input_mtok, prices.output_mtok
    if input_price is None and output_price is None:
        return None
    cached_price = prices.cache_read_mtok if prices.cache_read_mtok is not None else input_price
    tiered = [price for price in (input_price, cached_price, output_price) if isinstance(price, TieredPrices)]
    below = min((tier.start for price in tiered for tier in price.tiers), default=None)
    if _depends_on_the_time_of_day(found):
        below = 0
    return Rate(_base(input_price), _base(cached_price), _base(output_price), found.total_price, below)


def _base(per_million: Decimal | TieredPrices | None) -> Decimal:
    """USD per token in the lowest tier."""
    base = per_million.base if isinstance(per_million, TieredPrices) else per_million
    return per_token(base or Decimal(0))


def _depends_on_the_time_of_day(found: PriceCalculation) -> bool:
    prices = found.model.prices
    return isinstance(prices, list) and any(
        price.constraint is not None and not isinstance(price.constraint, StartDateConstraint) for price in prices
    )


def cost(
    model: str, provider: str | None, at: datetime, input_tokens: int, cached: int, output_tokens: int
) -> Decimal | None:
    found = _calculation(model, provider, at, input_tokens, cached, output_tokens)
    return None if found is None else found.total_price


def _calculation(
    model: str, provider: str | None, at: datetime, input_tokens: int, cached: int, output_tokens: int
) -> PriceCalculation | None:
    usage = Usage(input_tokens=input_tokens, cache_read_tokens=cached, output_tokens=output_tokens)
    try:
        return calc_price(usage, model, provider_id=provider, genai_request_timestamp=at)
    except LookupError:
        return None
