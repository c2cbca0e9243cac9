"""The composition root: how the parts fit together."""

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp

from formicary_web.errors import error_response
from formicary_web.routes import routes

from .auth import Authenticator
from .config import Settings
from .db import Database
from .edge.graphql import GraphQLEndpoint, RequestHeaders
from .edge.health import Readiness, healthz
from .edge.lazy import LazyEndpoint
from .edge.prometheus import PrometheusEndpoint
from .edge.server import Edge
from .ingest.recorder import Recorder
from .otlp.receiver import Receiver
from .prometheus.traffic import Traffic
from .rollups.pheromone_formula import Formula
from .schema import schema
from .schema.context import Context
from .schema.limits import Limits
from .schema.operation import Operations


def create_app(
    settings: Settings, *, database: Database, authenticator: Authenticator, stopping: asyncio.Event | None = None
) -> ASGIApp:
    """The whole server. The database is open and stays the caller's to close.

    Answers that have no end of their own end when `stopping` is set.
    """
    principal = authenticator.of_request
    recorder = Recorder(database, patience=settings.pool_timeout)
    formula = Formula.of(settings)

    async def make_context(headers: RequestHeaders) -> Context:
        return Context(database, recorder, await principal(headers), formula)

    graphql = GraphQLEndpoint(
        Operations(schema, limits=_limits(settings)),
        make_context=make_context,
        max_body_bytes=settings.max_body_bytes,
    )

    def load_traces() -> ASGIApp:
        from .edge.otlp import TracesEndpoint  # protobuf takes 4 MB

        return TracesEndpoint(
            Receiver(recorder, max_trace_spans=settings.max_trace_spans),
            authenticate=principal,
            max_body_bytes=settings.max_body_bytes,
            patience=settings.pool_timeout,
        )

    pages = routes(
        database=database, settings=settings, authenticator=authenticator, stopping=stopping or asyncio.Event()
    )
    traffic = Traffic()
    metrics = PrometheusEndpoint(database, traffic, authenticate=principal, most_series=settings.metrics_max_series)
    return Edge(
        endpoints={
            "/graphql": graphql,
            "/v1/traces": LazyEndpoint(load_traces),
            "/healthz": healthz,
            "/readyz": Readiness(database),
            "/metrics": metrics,
        },
        pages=Router(pages),
        error_page=_error_page,
        traffic=traffic,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        tokens=settings.max_tokens,
        aliases=settings.max_aliases,
        depth=settings.max_depth,
        cost=settings.max_cost,
    )


def _error_page(request: Request, status: int, message: str | None, error_id: str | None) -> Response:
    """What programs are told of a masked error says nothing that the page does not."""
    return error_response(request, status, None if error_id else message, error_id=error_id)
