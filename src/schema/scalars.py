"""The scalars of the API. Their Python names are distinct types, so that no builtin is taken over."""

from datetime import UTC, datetime
from decimal import Decimal as PythonDecimal
from typing import Any, NewType

import msgspec
import strawberry
from graphql import GraphQLError, ValueNode, value_from_ast_untyped
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from ..ingest import scalars

DateTime = NewType("DateTime", datetime)
Duration = NewType("Duration", int)
Decimal = NewType("Decimal", PythonDecimal)
BigInt = NewType("BigInt", int)
JSON = NewType("JSON", object)


def _print_instant(value: datetime) -> str:
    """As `isoformat`, with Z. Histories print thousands of instants, and msgspec takes a tenth of the time."""
    text: str = msgspec.to_builtins(value.astimezone(UTC))
    return text


def _scalar(name: str, description: str, *, parse: Any, serialize: Any, url: str | None = None) -> ScalarDefinition:
    def parse_value(value: object) -> object:
        try:
            return parse(value)
        except ValueError as error:
            raise GraphQLError(str(error)) from None

    def parse_literal(node: ValueNode, variables: dict[str, Any] | None = None) -> object:
        return parse_value(value_from_ast_untyped(node, variables))

    return strawberry.scalar(
        name=name,
        description=description,
        specified_by_url=url,
        parse_value=parse_value,
        parse_literal=parse_literal,
        serialize=serialize,
    )


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: _scalar(
        "DateTime",
        "An instant, RFC 3339, always UTC with a Z on output.",
        parse=scalars.parse_instant,
        serialize=_print_instant,
        url="https://www.rfc-editor.org/rfc/rfc3339",
    ),
    Duration: _scalar(
        "Duration",
        "A length of time: `5m30s`, `90s`, `250ms`, `7d`, `PT5M30S`, or a number of milliseconds. Printed as ISO 8601.",
        parse=scalars.parse_duration,
        serialize=scalars.print_duration,
    ),
    Decimal: _scalar(
        "Decimal",
        'An exact decimal as a string: `"0.001250"`. Used for money in USD. A number is taken by its shortest form.',
        parse=scalars.parse_decimal,
        serialize=scalars.print_decimal,
    ),
    BigInt: _scalar(
        "BigInt",
        "A whole number up to 2^53 - 1, as a JSON number.",
        parse=scalars.parse_big_int,
        serialize=int,
    ),
    JSON: _scalar("JSON", "Any JSON value.", parse=lambda value: value, serialize=lambda value: value),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS)
