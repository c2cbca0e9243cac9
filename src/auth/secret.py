"""The text of an API key: `fmy_<prefix>_<secret>`.

The prefix is public: people tell keys apart by it and the table is searched by it. The secret is 40 random
characters of 62 (238 bits). Nobody can guess or enumerate that, so one SHA-256 of the whole key is what is
kept; a slow password hash would guard against guessing, at a price for every request.
"""

import hashlib
import re
import secrets
import string

ALPHABET = string.ascii_letters + string.digits
PREFIX_LENGTH = 8
SECRET_LENGTH = 40

_FORMAT = re.compile(f"fmy_([A-Za-z0-9]{{{PREFIX_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}", re.ASCII)


def make() -> str:
    """A new key."""
    return f"fmy_{_random(PREFIX_LENGTH)}_{_random(SECRET_LENGTH)}"


def prefix(key: str) -> str | None:
    """The public part of a key; None if the text is not shaped like one."""
    match = _FORMAT.fullmatch(key)
    return match and match[1]


def digest(key: str) -> str:
    """What is stored of a key: 64 hexadecimal digits."""
    return hashlib.sha256(key.encode()).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
