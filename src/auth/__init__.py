"""Who is asking, and what that permits: API keys, logins by them, the open mode of a local server, principals."""

from .authenticator import Authenticator
from .keys import any_key_exists, create_key, list_keys, revoke_key
from .local import check_local, is_loopback
from .origin import Headers, check_form
from .principal import Access, Principal
from .sessions import Sessions

__all__ = [
    "Access",
    "Authenticator",
    "Headers",
    "Principal",
    "Sessions",
    "any_key_exists",
    "check_form",
    "check_local",
    "create_key",
    "is_loopback",
    "list_keys",
    "revoke_key",
]
