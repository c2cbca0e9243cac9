"""What a run cost when its caller did not say: tokens times the price of its model on its day.

Prices come from genai-prices, over which anybody may set others (`setModelPrice`).
"""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from ..db import Database
from .rate import Rate, per_token

RELOAD_SECONDS = 10.0
_MAX_RATES = 10_000


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
            input_rate, output_rate = per_token(input_price), per_token(output_price)
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
            from . import library_prices  # loaded by now

            return library_prices.cost(model, provider, at, input_count, cached, output_count)
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
            from . import library_prices  # loaded when it is first asked

            self._rates[key] = library_prices.rate_of(model, provider, at)
        return self._rates[key]
