"""The socket of the server: bound before anything slow begins, so that a port in use is known at once."""

import errno
import socket

from ..errors import ConfigurationError


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound but refuses connections until somebody listens on it."""
    family, address = _resolve(host, port)
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise cannot_listen(host, port, error) from error
    return bound


def cannot_listen(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(f"port {port} of {host} is in use: choose another with --port (0 takes a free one)")
    return ConfigurationError(f"cannot listen on port {port} of {host}: {error.strerror}")


def address_of(bound: socket.socket) -> str:
    """The IP address that a socket is bound to, whatever name it was given by."""
    return str(bound.getsockname()[0])


def url_of(host: str, bound: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{bound.getsockname()[1]}"


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise ConfigurationError(f"there is no address {host!r} to listen on") from error
    return family, address
