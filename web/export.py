"""Downloads: the runs of a list or the figures of a range as a file, under the same filter as the pages."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from enum import StrEnum
from typing import TypeVar

from starlette.datastructures import QueryParams
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from formicary.errors import BadInputError, LimitError, NotFoundError
from formicary.export import metrics, runs
from formicary.export.copying import LONGEST
from formicary.export.metrics import MetricsFormat
from formicary.export.runs import RunFormat
from formicary.resolvers.question import Dimension, Question
from formicary.resolvers.spans import Bucket

from . import rendering, run_query
from .pages import Pages
from .visit import Visit

log = logging.getLogger(__name__)

MOST_AT_ONCE = 2
"""So many files of runs a process makes at a time: each holds a connection for as long as it is being read."""

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}

Choice = TypeVar("Choice", bound=StrEnum)


class RunsFile(StreamingResponse):
    """Sent while it is being made, and cut off where that takes too long: who does not read keeps others waiting."""

    def __init__(self, pieces: AsyncGenerator[bytes], headers: Mapping[str, str]) -> None:
        super().__init__(pieces, headers=headers)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(LONGEST.total_seconds()), aclosing(self._pieces):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            log.warning("a file of runs was cut off, since it was not read within %s", LONGEST)


def routes(pages: Pages) -> list[Route]:
    at_once = asyncio.Semaphore(MOST_AT_ONCE)

    async def runs_file(visit: Visit) -> Response:
        return await _runs(visit, at_once)

    return [
        pages.route("/export/runs.{format}", runs_file, middleware=()),  # compressing takes longer than reading
        pages.route("/export/metrics.{format}", _metrics),
    ]


async def _runs(visit: Visit, at_once: asyncio.Semaphore) -> Response:
    format_, where = _format(visit, RunFormat), run_query.where(visit)
    if visit.request.method == "HEAD":
        return Response(headers=_headers(visit, "runs", format_))
    if at_once.locked():
        raise LimitError(f"{MOST_AT_ONCE} files of runs are being made already; try again when one is done.")
    await at_once.acquire()
    pieces = _released(runs.rows(visit.database, visit.scope, where, format_), at_once)
    first = await anext(pieces, b"")  # what cannot be read is said before the file begins
    return RunsFile(_after(first, pieces), headers=_headers(visit, "runs", format_))


async def _released(pieces: AsyncGenerator[bytes], at_once: asyncio.Semaphore) -> AsyncGenerator[bytes]:
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
    finally:
        at_once.release()


async def _after(first: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(pieces):
        yield first
        async for piece in pieces:
            yield piece


async def _metrics(visit: Visit) -> Response:
    format_, params = _format(visit, MetricsFormat), visit.place.params
    question = Question(
        visit.range,
        run_query.where(visit),
        by=_chosen("by", params, Dimension),
        bucket=_chosen("bucket", params, Bucket),
    )
    body = await metrics.file(visit.database, visit.scope, question, format_)
    return Response(body, headers=_headers(visit, "metrics", format_))


def _format(visit: Visit, formats: type[Choice]) -> Choice:
    name = visit.request.path_params["format"]
    if name not in list(formats):
        raise NotFoundError(f"A file of this kind is one of {', '.join(formats)}.")
    return formats(name)


def _chosen(name: str, params: QueryParams, choices: type[Choice]) -> Choice | None:
    text = params.get(name)
    if not text:
        return None
    if text.upper() not in list(choices):
        raise BadInputError(f"{name}: {text[:40]!r} is none of {', '.join(choices)}.")
    return choices(text.upper())


def _headers(visit: Visit, name: str, format_: StrEnum) -> dict[str, str]:
    return {
        **rendering.SECURITY_HEADERS,
        "content-type": TYPES[format_],
        "content-disposition": f'attachment; filename="formicary-{name}-{visit.now:%Y%m%dT%H%M%SZ}.{format_}"',
    }
