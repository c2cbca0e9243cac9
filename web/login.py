"""Logging in to the dashboard with an API key, and out again."""

import logging
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from formicary.auth import Access, Authenticator, Principal, check_form, cookie
from formicary.auth.sessions import Begun
from formicary.errors import FormicaryError, UnauthenticatedError

from . import rendering
from .errors import error_response, failure
from .form import read_form
from .own_path import is_own_path
from .place import page_of

log = logging.getLogger(__name__)

LOGIN, LOGOUT = "/login", "/logout"
HOME = "/"

WRONG_KEY = "This is not a valid API key. It may have been revoked, or cut off when it was copied."
LOGGED_OUT = "You are not logged in, or not any more."
ENDED = "Your login has ended. Log in again to go on where you were."


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginContext:
    """`next` is where to go afterwards; `fault` is why the last attempt failed, `notice` why another login is due."""

    next: str
    fault: str | None = None
    notice: str | None = None


def routes(authenticator: Authenticator) -> list[Route]:
    async def show(request: Request) -> Response:
        try:
            return await _show(request, authenticator)
        except FormicaryError as error:
            return failure(request, error)

    async def begin(request: Request) -> Response:
        try:
            return await _begin(request, authenticator)
        except FormicaryError as error:
            return failure(request, error)

    async def end(request: Request) -> Response:
        try:
            return await _end(request, authenticator)
        except FormicaryError as error:
            return failure(request, error)

    return [
        Route(LOGIN, show, methods=["GET"]),
        Route(LOGIN, begin, methods=["POST"]),
        Route(LOGOUT, end, methods=["POST"]),
    ]


def login_address(request: Request) -> str:
    """Where to log in for what was asked for, or for the page that it is a part of."""
    if request.method != "GET":
        return LOGIN
    path, query = page_of(request.url.path), request.url.query
    return f"{LOGIN}?{urlencode({'next': f'{path}?{query}' if query else path})}"


def refuse(request: Request, error: UnauthenticatedError) -> Response:
    """Send a browser that shows a page to the login; say to any other that a key is needed, and where to log in."""
    headers = request.headers
    login = login_address(request)
    if "authorization" in headers:
        return error_response(request, error.status, error.message, login=login)
    if "hx-request" in headers:
        return error_response(request, error.status, LOGGED_OUT, login=login)
    if "text/html" in headers.get("accept", ""):
        return RedirectResponse(login, HTTPStatus.SEE_OTHER, rendering.SECURITY_HEADERS)
    return error_response(request, error.status, error.message, login=login)


async def _show(request: Request, authenticator: Authenticator) -> Response:
    next_ = _next(request.query_params.get("next", HOME))
    headers = dict(request.headers.raw)
    try:
        await authenticator.of_request(headers, from_any_page=True)
    except UnauthenticatedError:
        notice = ENDED if cookie.token(headers) else None
        return _page(LoginContext(next=next_, notice=notice))
    return RedirectResponse(next_, HTTPStatus.SEE_OTHER, rendering.SECURITY_HEADERS)


async def _begin(request: Request, authenticator: Authenticator) -> Response:
    check_form(dict(request.headers.raw))
    form = await read_form(request)
    next_ = _next(form.get("next", HOME))
    try:
        principal = await authenticator.authenticate(f"Bearer {form.get('key', '').strip()}")
    except UnauthenticatedError:
        log.warning("a login from %s failed: the key is not valid", request.client.host if request.client else "?")
        return _page(LoginContext(next=next_, fault=WRONG_KEY), HTTPStatus.UNAUTHORIZED)
    if not principal.may(Access.READ):
        return _page(LoginContext(next=next_, fault=_no_reader(principal)), HTTPStatus.FORBIDDEN)
    response = RedirectResponse(next_, HTTPStatus.SEE_OTHER, rendering.SECURITY_HEADERS)
    if former := cookie.token(dict(request.headers.raw)):
        await authenticator.sessions.end(former)
    _set_cookie(request, response, await authenticator.sessions.begin(principal))
    return response


async def _end(request: Request, authenticator: Authenticator) -> Response:
    headers = dict(request.headers.raw)
    check_form(headers)
    if token := cookie.token(headers):
        await authenticator.sessions.end(token)
    response = RedirectResponse(LOGIN, HTTPStatus.SEE_OTHER, rendering.SECURITY_HEADERS)
    for name, secure in ((cookie.NAME, False), (cookie.SECURE_NAME, True)):
        response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
    return response


def _next(text: str) -> str:
    """Only ever a page of this server, and none on which one would be sent here again."""
    return text if is_own_path(text) and urlsplit(text).path not in (LOGIN, LOGOUT) else HOME


def _no_reader(principal: Principal) -> str:
    return f"This key has the role {principal.role}, which may not read. The dashboard takes READ or ADMIN."


def _set_cookie(request: Request, response: Response, begun: Begun) -> None:
    secure = _is_secure(request)
    response.set_cookie(
        cookie.SECURE_NAME if secure else cookie.NAME,
        begun.token,
        max_age=int(begun.lifetime.total_seconds()),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def _is_secure(request: Request) -> bool:
    """Whether the browser came by https. A proxy may have taken that off; the browser's Origin still has it."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def _page(context: LoginContext, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return rendering.bare_page("login.html", context, status)
