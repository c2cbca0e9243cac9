"""Prices of models in the API."""

from typing import Annotated, Any

import strawberry

from ..errors import InvalidInputError
from ..resolvers import model_prices
from .context import Info
from .node import Node, global_id
from .recording import InvalidInput
from .registration import invalid
from .scalars import DateTime, Decimal


def _id(root: strawberry.Parent[model_prices.ModelPrice]) -> strawberry.ID:
    return global_id("ModelPrice", root.key)


@strawberry.type(description="What a model costs: USD per million tokens from an instant on.")
class ModelPrice(Node):
    id: strawberry.ID = strawberry.field(resolver=_id, description="The global id.")
    provider: str | None = strawberry.field(description="The provider; null holds for any.")
    model: str = strawberry.field(description="The model.")
    input_per_million: Decimal = strawberry.field(description="USD per million input tokens.")
    output_per_million: Decimal = strawberry.field(description="USD per million output tokens.")
    valid_from: DateTime = strawberry.field(description="Since when; of a built-in price, the start of this day.")
    is_override: bool = strawberry.field(description="Whether somebody set it; such prices win over built-in ones.")

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, model_prices.ModelPrice)


@strawberry.input(description="A price to set. The same model, provider and instant again replaces it.")
class ModelPriceInput:
    model: str = strawberry.field(description="The model as runs name it, in either case.")
    provider: str | None = strawberry.field(default=None, description="The provider; left out, it holds for any.")
    input_per_million: Decimal = strawberry.field(description="USD per million input tokens.")
    output_per_million: Decimal = strawberry.field(description="USD per million output tokens.")
    valid_from: DateTime | None = strawberry.field(default=None, description="For runs from then on; now if left out.")


@strawberry.type(description="A price that was set.")
class ModelPricePayload:
    price: ModelPrice = strawberry.field(description="The price.")


SetModelPriceResult = Annotated[
    ModelPricePayload | InvalidInput,
    strawberry.union("SetModelPriceResult", description="The price, or what was wrong."),
]


async def list_model_prices(info: Info) -> Any:
    return await model_prices.all_prices(info.context.db)


async def set_model_price(
    info: Info,
    input: Annotated[ModelPriceInput, strawberry.argument(description="The price.")],  # noqa: A002
) -> Any:
    context = info.context
    new = model_prices.NewPrice(
        model=input.model,
        provider=input.provider,
        input_per_million=input.input_per_million,
        output_per_million=input.output_per_million,
        valid_from=input.valid_from,
    )
    try:
        price: Any = await model_prices.set_price(context.db, new)
    except InvalidInputError as error:
        return invalid(error)
    await context.recorder.prices.refresh(context.db, force=True)
    return ModelPricePayload(price=price)
