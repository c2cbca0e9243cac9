"""The open mode: a server that only this machine can reach may run without keys.

What a loopback address does not keep out is a web page in a browser on this machine: a foreign site can point
its own name at 127.0.0.1 (DNS rebinding) or send a request across origins. So an open server answers only
requests that are addressed to, and come from, a loopback name.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from ..errors import ForbiddenError


def is_loopback(host: str) -> bool:
    """Whether a name or an address, without port and brackets, can only mean this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_local(*, host: str | None, origin: str | None) -> None:
    """Judge the Host and Origin headers of a request to an open server. Raises ForbiddenError."""
    if not _names_loopback(f"//{host}"):
        raise ForbiddenError("This server runs open and so answers only under a loopback name, like localhost.")
    if origin is not None and not _names_loopback(origin):
        raise ForbiddenError("This server runs open, so it takes no requests from pages of other origins.")


def _names_loopback(url: str) -> bool:
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False
