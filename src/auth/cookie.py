"""The cookie of a login."""

from starlette.requests import cookie_parser

from .origin import Headers

NAME = "formicary_session"
SECURE_NAME = f"__Host-{NAME}"
"""Over https: browsers take this name from this very host only, and never without encryption."""


def token(headers: Headers) -> str | None:
    """What the cookie holds; None without one."""
    cookies = cookie_parser(headers.get(b"cookie", b"").decode("latin-1"))
    return cookies.get(SECURE_NAME) or cookies.get(NAME)
