"""The composition root: how the parts fit together."""

from functools import partial

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp

from formicary_web.errors import error_response
from formicary_web.routes import routes

from .auth import Authenticator, Principal, check_local
from .config import Settings
from .db import Database
from .edge.graphql import GraphQLEndpoint, RequestHeaders
from .edge.health import Readiness, healthz
from .edge.otlp import TracesEndpoint
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


def create_app(settings: Settings, *, database: Database, authenticator: Authenticator) -> ASGIApp:
    """The whole server. The database is open and stays the caller's to close."""
    principal = partial(_principal, authenticator)
    recorder = Recorder(database, patience=settings.pool_timeout)
    formula = Formula.of(settings)

    async def make_context(headers: RequestHeaders) -> Context:
        return Context(database, recorder, await principal(headers), formula)

    async def authenticate(request: Request) -> Principal:
        return await principal(dict(request.headers.raw))

    graphql = GraphQLEndpoint(
        Operations(schema, limits=_limits(settings)),
        make_context=make_context,
        max_body_bytes=settings.max_body_bytes,
    )
    traces = TracesEndpoint(
        Receiver(recorder, max_trace_spans=settings.max_trace_spans),
        authenticate=principal,
        max_body_bytes=settings.max_body_bytes,
        patience=settings.pool_timeout,
    )
    traffic = Traffic()
    metrics = PrometheusEndpoint(database, traffic, authenticate=principal, most_series=settings.metrics_max_series)
    return Edge(
        endpoints={
            "/graphql": graphql,
            "/v1/traces": traces,
            "/healthz": healthz,
            "/readyz": Readiness(database),
            "/metrics": metrics,
        },
        pages=GZipMiddleware(Router(routes(database=database, settings=settings, authenticate=authenticate))),
        error_page=_error_page,
        traffic=traffic,
    )


async def _principal(authenticator: Authenticator, headers: RequestHeaders) -> Principal:
    """Who sends these headers. An open server also wants them to come from this machine."""
    if authenticator.is_open:
        check_local(host=_text(headers, b"host"), origin=_text(headers, b"origin"))
    return await authenticator.authenticate(_text(headers, b"authorization"))


def _text(headers: RequestHeaders, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def _limits(settings: Settings) -> Limits:
    return Limits(
        tokens=settings.max_tokens,
        aliases=settings.max_aliases,
        depth=settings.max_depth,
        cost=settings.max_cost,
    )


def _error_page(request: Request, status: int, message: str | None, error_id: str | None) -> Response:
    return error_response(request, status, message, error_id=error_id)
