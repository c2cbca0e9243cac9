"""Relay's global ids: opaque to callers, a type's name and its key inside."""

import base64
import binascii

import strawberry

from ..errors import BadInputError


@strawberry.interface(description="Anything with a global id, by which `node` finds it again.")
class Node:
    id: strawberry.ID = strawberry.field(description="The global id: unique over all types, stable, opaque.")


def global_id(type_name: str, *key: object) -> strawberry.ID:
    """The id of a thing, such as of `Run` with the key (agent id, run id)."""
    text = ":".join([type_name, *map(str, key)])
    return strawberry.ID(base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))


def parse_global_id(text: str) -> tuple[str, str]:
    """Type name and key. Raises ValueError for what is no global id."""
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise ValueError("not a global id") from None
    type_name, separator, key = decoded.partition(":")
    if not separator:
        raise ValueError("not a global id")
    return type_name, key


def number(key: str) -> int:
    """A key that is one number of PostgreSQL's bigint. Raises ValueError."""
    if not (key.isascii() and key.isdigit()) or len(key) > 18:
        raise ValueError("not a key")
    return int(key)


def two_numbers(key: str) -> tuple[int, int]:
    first, _, second = key.partition(":")
    return number(first), number(second)


def id_argument(argument: str, text: str, type_name: str) -> int:
    """The number behind the id of a type whose key is one. Raises BadInputError for any other id."""
    try:
        found, key = parse_global_id(text)
        if found == type_name:
            return number(key)
    except ValueError:
        pass
    raise BadInputError(f"{argument}: {text[:60]!r} is not the id of an {type_name}.")
