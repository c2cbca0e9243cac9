"""Prices of models: those of genai-prices, and those that somebody set over them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from ..db import Database
from ..errors import InvalidInputError
from ..ingest import check


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """USD per million tokens from `valid_from` on; `provider` None holds for any provider."""

    key: str
    provider: str | None
    model: str
    input_per_million: Decimal
    output_per_million: Decimal
    valid_from: datetime
    is_override: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPrice:
    model: str
    provider: str | None
    input_per_million: Decimal
    output_per_million: Decimal
    valid_from: datetime | None


COLUMNS = "id, provider, model, input_per_million, output_per_million, valid_from"

SET_PRICE = f"""
    INSERT INTO model_price (model, provider, input_per_million, output_per_million, valid_from)
    VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT ON CONSTRAINT model_price_model_provider_valid_from_key DO UPDATE SET
        input_per_million = excluded.input_per_million, output_per_million = excluded.output_per_million
    RETURNING {COLUMNS}"""


async def all_prices(db: Database) -> list[ModelPrice]:
    """The overrides, the newest first, then today's prices of genai-prices by provider and model."""
    rows = await db.fetch(f"SELECT {COLUMNS} FROM model_price ORDER BY model, provider, valid_from DESC")
    return [_override(*row) for row in rows] + list(_built_in(datetime.now(UTC).date().toordinal()))


async def by_keys(db: Database, keys: list[str]) -> list[ModelPrice | None]:
    """Prices in the order of their keys; None for those that do not exist."""
    found = {price.key: price for price in await all_prices(db)}
    return [found.get(key) for key in keys]


async def set_price(db: Database, new: NewPrice) -> ModelPrice:
    """Set a price; the same model, provider and instant again replaces it. Raises InvalidInputError."""
    valid_from = new.valid_from or datetime.now(UTC)
    problems = [
        *check.name("model", new.model),
        *(check.name("provider", new.provider) if new.provider is not None else ()),
        *check.cost("inputPerMillion", new.input_per_million),
        *check.cost("outputPerMillion", new.output_per_million),
        *check.instant("validFrom", valid_from, datetime.now(UTC)),
    ]
    if problems:
        raise InvalidInputError(problems)
    rows = await db.write(
        SET_PRICE,
        new.model,
        (new.provider or "").lower(),
        new.input_per_million,
        new.output_per_million,
        valid_from,
    )
    return _override(*rows[0])


def _override(
    id_: int, provider: str, model: str, input_price: Decimal, output_price: Decimal, valid_from: datetime
) -> ModelPrice:
    return ModelPrice(str(id_), provider or None, model, input_price, output_price, valid_from, is_override=True)


@cache
def _built_in(day: int) -> tuple[ModelPrice, ...]:
    """What the library knows for a day (an ordinal); where a price has tiers, that of the lowest."""
    from ..ingest import library_prices  # loaded when it is first asked

    at = datetime.fromordinal(day).replace(tzinfo=UTC)
    prices = []
    for provider, model in library_prices.models():
        rate = library_prices.rate_of(model, provider, at)
        if rate is not None:
            per_million = rate.input.scaleb(6), rate.output.scaleb(6)
            prices.append(ModelPrice(f"{provider}/{model}", provider, model, *per_million, at, is_override=False))
    return tuple(prices)
