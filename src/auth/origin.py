"""Whether a browser sends a request from a page of this very server.

A browser adds the cookie of a login by itself, so a request that carries one does not show that its sender wants it.
The cookie is SameSite=Lax: a page of a foreign site cannot make the browser send it with a form or a script. What is
left are other origins of the same site (another port of this host, a neighbouring subdomain), and these a browser
names: in `Sec-Fetch-Site` where the connection is safe, in `Origin` with every POST. No page can change either. So a
token in each form would add nothing.
"""

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import urlsplit

from ..errors import ForbiddenError

Headers: TypeAlias = Mapping[bytes, bytes]

FROM_HERE = (b"same-origin", b"none")
"""`none` is the person's own doing, such as loading a page again."""

FOREIGN = "This was not sent by a page of this server."


def comes_from_here(headers: Headers) -> bool | None:
    """None where the sender says nothing: it is no browser, or it reads over an unsafe connection."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in FROM_HERE
    origin = headers.get(b"origin")
    return None if origin is None else _host(origin) == headers.get(b"host", b"").lower()


def check_form(headers: Headers) -> None:
    """Raise ForbiddenError for a form that another origin sends, or that nobody can tell where it comes from.

    What says nothing and has no cookie is no browser that is logged in.
    """
    comes = comes_from_here(headers)
    if comes is False or (comes is None and b"cookie" in headers):
        raise ForbiddenError(FOREIGN)


def _host(origin: bytes) -> bytes | None:
    """The host with its port: whether that is reached by https may be known to a proxy before this server only."""
    try:
        return urlsplit(origin.lower()).netloc or None
    except ValueError:
        return None
