"""What a browser is shown when something fails: a page, or inside a page the panel's problem with a retry."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from formicary.errors import FormicaryError

from . import rendering
from .problem import Problem

TITLES = {
    HTTPStatus.BAD_REQUEST: "That cannot be shown",
    HTTPStatus.UNAUTHORIZED: "No access without an API key",
    HTTPStatus.FORBIDDEN: "This is not permitted",
    HTTPStatus.NOT_FOUND: "There is nothing here",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address is not a page",
    HTTPStatus.SERVICE_UNAVAILABLE: "Formicary cannot answer right now",
}
FALLBACK_TITLE = "Something went wrong"

MESSAGES = {
    HTTPStatus.NOT_FOUND: "The address may have changed, or what it led to is gone.",
    HTTPStatus.METHOD_NOT_ALLOWED: "It only takes what a form of another page sends.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "The fault is on this side. It has been logged; trying again may help.",
}

HEADERS = {
    HTTPStatus.UNAUTHORIZED: {"www-authenticate": "Bearer"},
    HTTPStatus.SERVICE_UNAVAILABLE: {"retry-after": "5"},
}

MAY_PASS = {HTTPStatus.TOO_MANY_REQUESTS}
"""Worth trying again; so is every fault of the server."""

TRY_AGAIN_SECONDS = 10
"""After which a page that cannot be shown for now is asked for again, as nobody may be there to do so."""

IN_PLACE = {"hx-retarget": "find [data-problem]", "hx-reswap": "innerHTML"}
"""Tells htmx to leave what is shown where it is and to put the problem into its own slot."""


def error_response(
    request: Request, status: int, message: str | None = None, *, error_id: str | None = None, login: str | None = None
) -> Response:
    """A page in the dashboard's design; for a request by htmx just the problem.

    `error_id` is the one in the log, `login` the address at which a login would help.
    """
    by_htmx = request.headers.get("hx-request") == "true"
    template = "problem_alone.html" if by_htmx else "error.html"
    response = rendering.bare_page(template, _problem(status, message, error_id, login), status)
    response.headers.update(HEADERS.get(HTTPStatus(status), {}))
    if by_htmx:
        response.headers.update(IN_PLACE)
    elif status == HTTPStatus.SERVICE_UNAVAILABLE and request.method == "GET":
        response.headers["refresh"] = str(TRY_AGAIN_SECONDS)
    return response


def failure(request: Request, error: FormicaryError, *, login: str | None = None) -> Response:
    """What the caller could cause or should know, in its own words."""
    return error_response(request, error.status, error.message, login=login)


def problem_of(error: FormicaryError) -> Problem:
    return _problem(error.status, error.message)


def _problem(status: int, message: str | None, error_id: str | None = None, login: str | None = None) -> Problem:
    known = HTTPStatus(status)
    in_general = MESSAGES.get(known, known.description or known.phrase)
    return Problem(
        status=status,
        title=TITLES.get(known, FALLBACK_TITLE),
        message=message if message and message != known.phrase else in_general,
        error_id=error_id,
        may_pass=known in MAY_PASS or status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        login=login,
    )
