"""A small schema behind the real edge, for what does not depend on Formicary's own schema."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import strawberry
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router
from strawberry.scalars import JSON
from strawberry.types import Info

from formicary.auth import Principal
from formicary.edge.graphql import GraphQLEndpoint, RequestHeaders
from formicary.edge.health import healthz
from formicary.edge.server import Edge
from formicary.errors import (
    InvalidInputError,
    NotFoundError,
    Problem,
    UnauthenticatedError,
    UnavailableError,
)
from formicary.schema.operation import Operations
from formicary_web.assets import PREFIX, Assets

MAX_BODY = 1024 * 1024


@strawberry.type
class PageInfo:
    has_next_page: bool = False


@strawberry.type
class Thing:
    id: strawberry.ID

    @strawberry.field
    def parts(self, first: int | None = None) -> "ThingConnection":
        return ThingConnection()


@strawberry.type
class ThingEdge:
    node: Thing


@strawberry.type
class ThingConnection:
    page_info: PageInfo = strawberry.field(default_factory=PageInfo)
    nodes: list[Thing] = strawberry.field(default_factory=list)
    edges: list[ThingEdge] = strawberry.field(default_factory=list)


@strawberry.input
class Item:
    name: str
    count: int = 1


@strawberry.type
class Query:
    @strawberry.field
    def node(self, id: strawberry.ID) -> Thing | None:  # noqa: A002
        return Thing(id=id)

    @strawberry.field
    async def slow(self) -> str:
        await asyncio.sleep(0)
        return "done"

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Thing]:
        return [Thing(id=each) for each in ids]

    @strawberry.field
    def things(self, first: int | None = None, last: int | None = None) -> ThingConnection:
        return ThingConnection()

    @strawberry.field
    def echo(self, text: str = "", number: int | None = None, json: JSON | None = None) -> str:
        return text

    @strawberry.field
    def ratio(self, of: float) -> float:
        return of

    @strawberry.field
    def failing(self) -> str | None:
        raise ValueError("the secret is 1234")

    @strawberry.field
    def missing(self) -> str | None:
        raise NotFoundError("There is no agent 'x'.")

    @strawberry.field
    def invalid(self) -> str | None:
        raise InvalidInputError([Problem("input.name", "TOO_LONG", "is too long")])

    @strawberry.field
    async def away(self) -> str | None:
        raise UnavailableError

    @strawberry.field
    def nothing(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    def bad_number(self) -> int | None:
        return "not a number"  # type: ignore[return-value]

    @strawberry.field
    def caller(self, info: Info) -> str:
        return str(info.context.principal.role)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def record(self, items: list[Item]) -> int:
        return len(items)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


schema = strawberry.Schema(query=Query, mutation=Mutation, subscription=Subscription)


@dataclass(frozen=True, slots=True)
class Context:
    principal: Principal


async def make_context(headers: RequestHeaders) -> Context:
    """Anybody, except who sends the wrong key, or comes while the keys cannot be read."""
    match headers.get(b"authorization"):
        case b"Bearer wrong":
            raise UnauthenticatedError
        case b"Bearer unlucky":
            raise UnavailableError
        case b"Bearer broken":
            raise RuntimeError("the authentication broke")
    return Context(Principal.open())


def permit_all(*_: object) -> tuple[()]:
    return ()


def operations() -> Operations:
    return Operations(schema, permissions=permit_all)


async def broken_page(request: Request) -> Response:
    raise RuntimeError("the page broke")


async def page(request: Request) -> Response:
    return Response("<p>page</p>", media_type="text/html")


def error_page(request: Request, status: int, message: str | None, error_id: str | None) -> Response:
    return PlainTextResponse(f"{status} {message}", status, media_type="text/html")


def application(endpoints: Mapping[str, object] | None = None) -> Edge:
    graphql = GraphQLEndpoint(operations(), make_context=make_context, max_body_bytes=MAX_BODY)
    pages = Router([Route("/page", page), Route("/broken", broken_page), Mount(PREFIX, Assets())])
    return Edge(
        endpoints={"/graphql": graphql, "/healthz": healthz, **(endpoints or {})},  # type: ignore[dict-item]
        pages=pages,
        error_page=error_page,
    )
