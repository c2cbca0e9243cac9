"""Relay connections: a page of things, each with its cursor, and how many there are."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeAlias, TypeVar

import strawberry

from ..resolvers.page import MAX_PAGE_SIZE, Page

T = TypeVar("T")

First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(description=f"How many, from the start: 0 to {MAX_PAGE_SIZE}; 50 if left out."),
]
After: TypeAlias = Annotated[str | None, strawberry.argument(description="Only what comes after this cursor.")]
Last: TypeAlias = Annotated[
    int | None, strawberry.argument(description=f"How many, from the end: 0 to {MAX_PAGE_SIZE}; not with `first`.")
]
Before: TypeAlias = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]


@strawberry.type(description="Where a page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(
        description="Whether more follows: known when paging forward; backward, true if `before` was given."
    )
    has_previous_page: bool = strawberry.field(
        description="Whether something precedes: known when paging backward; forward, true if `after` was given."
    )
    start_cursor: str | None = strawberry.field(description="The first cursor of the page; null for an empty one.")
    end_cursor: str | None = strawberry.field(description="The last cursor of the page; null for an empty one.")


@dataclass(frozen=True, slots=True)
class Item(Generic[T]):
    """What the edge types read."""

    cursor: str
    node: T


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """What the connection types read: a page, and how to count the whole list if somebody asks."""

    page: Page[T]
    count: Callable[[], Awaitable[int]]

    @property
    def nodes(self) -> list[T]:
        return self.page.items

    @property
    def edges(self) -> list[Item[T]]:
        return [Item(self.page.cursor(item), item) for item in self.page.items]

    @property
    def page_info(self) -> PageInfo:
        items = self.page.items
        return PageInfo(
            has_next_page=self.page.has_next,
            has_previous_page=self.page.has_previous,
            start_cursor=self.page.cursor(items[0]) if items else None,
            end_cursor=self.page.cursor(items[-1]) if items else None,
        )


async def _total_count(root: strawberry.Parent[Listing[object]]) -> int:
    return await root.count()


@strawberry.type(description="An item of a list, and where it lies there.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Where the item lies in this order; good for `after` and `before`.")
    node: T = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The items with their cursors.")
    nodes: list[T] = strawberry.field(description="The items.")
    page_info: PageInfo = strawberry.field(description="Where the page lies in the list.")
    total_count: int = strawberry.field(
        resolver=_total_count, description="How many items the whole list has; counted only when asked for."
    )
