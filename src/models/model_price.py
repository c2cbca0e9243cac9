"""A price of a model that somebody set, over the one from genai-prices."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import UniqueConstraint, text
from sqlmodel import SQLModel

from .columns import identity, timestamptz


class ModelPrice(SQLModel, table=True):
    """USD per million tokens from `valid_from` on. `provider` is `''` where the price holds for any provider."""

    __tablename__ = "model_price"
    __table_args__ = (
        UniqueConstraint("model", "provider", "valid_from", name="model_price_model_provider_valid_from_key"),
    )

    id: int | None = identity()
    model: str
    provider: str = ""
    input_per_million: Decimal
    output_per_million: Decimal
    valid_from: datetime = timestamptz()
    created_at: datetime = timestamptz(sa_column_kwargs={"server_default": text("now()")})
