"""Who is asking, and what that permits: API keys, the open mode of a local server, principals."""

from .authenticator import Authenticator
from .keys import any_key_exists, create_key, list_keys, revoke_key
from .local import check_local, is_loopback
from .principal import Access, Principal

__all__ = [
    "Access",
    "Authenticator",
    "Principal",
    "any_key_exists",
    "check_local",
    "create_key",
    "is_loopback",
    "list_keys",
    "revoke_key",
]
