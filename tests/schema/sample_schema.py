"""A schema with every kind of type, whose values are dataclasses of which an attribute can hold, or do, anything."""

import asyncio
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import Annotated, Any, NewType, TypeAlias, cast

import strawberry
from strawberry.permission import BasePermission
from strawberry.schema.config import StrawberryConfig

from formicary.schema.scalars import JSON, SCALARS, BigInt, DateTime, Decimal, Duration

Fickle = NewType("Fickle", str)

CONFIG = StrawberryConfig(
    scalar_map={**SCALARS, Fickle: strawberry.scalar(name="Fickle", serialize=lambda value: value or None)}
)


@strawberry.enum
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.enum
class Level(IntEnum):
    LOW = 1
    HIGH = 2


RAISES = object()
"""Held by an attribute that can't be read."""


@dataclass(frozen=True)
class Ready:
    """An awaitable that can be awaited more than once."""

    value: Any

    def __await__(self) -> Generator[Any, None, Any]:
        yield from asyncio.sleep(0).__await__()
        return self.value


@dataclass(frozen=True)
class Several:
    """Neither a list nor a tuple."""

    values: list[Any]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)


@dataclass
class Item:
    """The value of every object type. An attribute holds what `values` has for it; `kind` is the type's name."""

    kind: str = "Plain"
    values: dict[str, Any] = field(default_factory=dict)


class FailedItem(Item, Exception):  # noqa: N818 -- what it is called is what it is
    """A dataclass that is an exception all the same."""


class AwaitedItem(Item):
    """A dataclass that must be awaited all the same; then it is another."""

    def __await__(self) -> Generator[Any, None, Item]:
        yield from asyncio.sleep(0).__await__()
        return Item(values={"name": "awaited"})


class Guard(BasePermission):
    """Lets nobody see what it guards if that is a secret."""

    message = "not for you"

    def has_permission(self, source: Item, info: object, **kwargs: object) -> bool:
        return source.values.get("nick") != "secret"


def _resolved(root: strawberry.Parent[Item]) -> int:
    if root.values.get("number") is RAISES:
        raise RuntimeError("nothing to resolve")
    return len(root.values)


async def _awaited(root: strawberry.Parent[Item]) -> Any:
    await asyncio.sleep(0)
    return _read(root, "nested")


SURE = {"name": "n", "sure_number": 1, "sure_share": 0.5, "sure_count": 2**40, "sure_colour": Colour.RED, "numbers": []}
"""What an attribute holds unless something else is given; for the rest, None."""


def _read(item: Item, name: str) -> Any:
    value = item.values.get(name, Item() if name == "sure_nested" else SURE.get(name))
    if value is RAISES:
        raise RuntimeError(f"{name} can't be read")
    return value


def _scaled(root: strawberry.Parent[Item], by: int = 2) -> int:
    return len(root.values) * by


@strawberry.interface
class Named:
    name: str
    nick: str | None


@strawberry.type
class Plain:
    """All its fields are plain, but for the last three and those of abstract types."""

    name: str
    nick: str | None
    number: int | None
    sure_number: int
    share: float | None
    sure_share: float
    flag: bool | None
    key: strawberry.ID | None
    count_: BigInt | None = strawberry.field(name="count")
    sure_count: BigInt
    at: DateTime | None
    cost: Decimal | None
    length: Duration | None
    data: JSON | None
    fickle: Fickle | None
    colour: Colour | None
    sure_colour: Colour
    level: Level | None
    numbers: list[int]
    colours: list[Colour | None] | None
    grid: list[list[int] | None] | None
    nested: "Plain | None"
    sure_nested: "Plain"
    list_: list["Plain"] | None = strawberry.field(name="list")
    holed: list["Plain | None"] | None
    one: "One | None"
    ones: list["One"] | None
    named: Named | None
    either: "Either | None"
    eithers: list["Either"] | None
    resolved: int = strawberry.field(resolver=_resolved)
    guarded: str | None = strawberry.field(permission_classes=[Guard])
    awaited: "Plain | None" = strawberry.field(resolver=_awaited)
    scaled: int = strawberry.field(resolver=_scaled)


@strawberry.type
class One(Named):
    colour: Colour | None
    nested: Plain | None

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, Item) and value.kind == "One"


@strawberry.type
class Two(Named):
    number: int | None
    nested: Plain | None

    @classmethod
    def is_type_of(cls, value: object, _info: object) -> bool:
        return isinstance(value, Item) and value.kind == "Two"


Either: TypeAlias = Annotated[One | Two, strawberry.union("Either")]


def _root(info: strawberry.Info[Any, None]) -> Any:
    return info.context


async def _root_later(info: strawberry.Info[Any, None]) -> Any:
    await asyncio.sleep(0)
    return info.context


@strawberry.type
class Query:
    plain: Plain | None = strawberry.field(resolver=_root)
    sure: Plain = strawberry.field(resolver=_root)
    later: Plain | None = strawberry.field(resolver=_root_later)

    @strawberry.field
    def plains(self, info: strawberry.Info[Any, None]) -> list[Plain] | None:
        return cast("list[Plain] | None", info.context.values.get("list_"))

    @strawberry.field
    def ones(self, info: strawberry.Info[Any, None]) -> list[One] | None:
        return cast("list[One] | None", info.context.values.get("ones"))

    @strawberry.field
    async def holed(self, info: strawberry.Info[Any, None]) -> list[Plain | None] | None:
        return cast("list[Plain | None] | None", _read(info.context, "holed"))


SAMPLE = strawberry.Schema(query=Query, types=[One, Two], config=CONFIG)

ATTRIBUTES = tuple(definition.python_name for definition in Plain.__strawberry_definition__.fields[:-4])  # type: ignore[attr-defined]


def _property(name: str) -> property:
    return property(lambda item: _read(item, name))


for _name in (*ATTRIBUTES, "guarded"):
    setattr(Item, _name, _property(_name))
