from dataclasses import dataclass
from decimal import Decimal


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


def per_token(per_million: Decimal) -> Decimal:
    return per_million.scaleb(-6)
