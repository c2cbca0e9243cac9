"""What a run cost when its caller did not say: tokens times the price of its model on its day.

Prices come from genai-prices, over which anybody may set others (`setModelPrice`). The library computes one
price in about 50 us; a rate that is linear in the tokens is therefore taken from it once per model and day.
"""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from genai_prices import Usage, calc_price
from genai_prices.types import PriceCalculation, StartDateConstraint, TieredPrices

from ..db import Database

RELOAD_SECONDS = 10.0
_MAX_RATES = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """USD per token and per request, valid while the input has fewer than `below` tokens (None: always)."""

    input: Decimal
    cached_input: Decimal
    output: Decimal
    request: Decimal = Decimal(0)
    below: int | None = None

    def cost(self, input_tokens: int, cached: int, output_tokens: int) -> Decimal:
        cost = input_tokens * self.input + output_tokens * self.output
        if cached:
            cost += cached * (self.cached_input - self.input)
        return cost + self.request if self.request else cost


@dataclass(frozen=True, slots=True)
class PriceOverride:
    """A price that somebody set. `provider` is in lower case, and empty where the price holds for any."""

    model: str
    provider: str
    rate: Rate
    valid_from: datetime


class Prices:
    """Prices as this process knows them; overrides that other processes set are seen within ten seconds."""

    def __init__(self) -> None:
        self._rates: dict[tuple[str, str | None, date], Rate | None] = {}
        self._overrides: dict[str, list[PriceOverride]] = {}
        self._loaded_at = float("-inf")

    async def refresh(self, db: Database, *, force: bool = False) -> None:
        """Read the overrides again when they are older than `RELOAD_SECONDS`."""
        now = time.monotonic()
        if not force and now - self._loaded_at < RELOAD_SECONDS:
            return
        rows = await db.fetch(
            "SELECT model, provider, input_per_million, output_per_million, valid_from FROM model_price"
            " ORDER BY provider = '', valid_from DESC"
        )
        overrides: dict[str, list[PriceOverride]] = {}
        for model, provider, input_price, output_price, valid_from in rows:
            input_rate, output_rate = _per_token(input_price), _per_token(output_price)
            override = PriceOverride(model, provider.lower(), Rate(input_rate, input_rate, output_rate), valid_from)
            overrides.setdefault(model.lower(), []).append(override)
        self._overrides = overrides
        self._loaded_at = now

    def estimate(
        self,
        *,
        model: str | None,
        provider: str | None,
        at: datetime,
        input_tokens: int | None,
        output_tokens: int | None,
        cached_input_tokens: int | None = None,
    ) -> Decimal | None:
        """USD for the tokens at the price of that day; None where the model, its price or the tokens are unknown.

        Cached input tokens count as part of the input.
        """
        if model is None or (input_tokens is None and output_tokens is None):
            return None
        input_count, output_count = input_tokens or 0, output_tokens or 0
        cached = min(cached_input_tokens or 0, input_count)
        rate = self._override(model, provider, at) or self._rate(model, provider, at)
        if rate is None:
            return None
        if rate.below is not None and input_count >= rate.below:
            return _calculated(model, provider, at, input_count, cached, output_count)
        return rate.cost(input_count, cached, output_count)

    def _override(self, model: str, provider: str | None, at: datetime) -> Rate | None:
        for override in self._overrides.get(model.lower(), ()):
            if override.valid_from <= at and override.provider in {"", (provider or "").lower()}:
                return override.rate
        return None

    def _rate(self, model: str, provider: str | None, at: datetime) -> Rate | None:
        key = (model, provider, at.astimezone(UTC).date())
        if key not in self._rates:
            if len(self._rates) >= _MAX_RATES:
                self._rates.clear()
            self._rates[key] = library_rate(model, provider, at)
        return self._rates[key]


def library_rate(model: str, provider: str | None, at: datetime) -> Rate | None:
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
    return Rate(_per_token(input_price), _per_token(cached_price), _per_token(output_price), found.total_price, below)


def _per_token(per_million: Decimal | TieredPrices | None) -> Decimal:
    base = per_million.base if isinstance(per_million, TieredPrices) else per_million
    return (base or Decimal(0)).scaleb(-6)


def _depends_on_the_time_of_day(found: PriceCalculation) -> bool:
    prices = found.model.prices
    return isinstance(prices, list) and any(
        price.constraint is not None and not isinstance(price.constraint, StartDateConstraint) for price in prices
    )


def _calculated(
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
