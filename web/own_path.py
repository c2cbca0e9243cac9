"""Addresses within the dashboard that somebody sends us to keep or to go to: none may lead elsewhere."""

from urllib.parse import urlsplit

LONGEST = 4000


def is_own_path(text: str) -> bool:
    """Whether a browser takes this for a path of this very server.

    Browsers read a backslash as a slash and leave tabs and line ends out, so `/\\t/example.org` would be another host.
    """
    if not text.isprintable() or "\\" in text or len(text) > LONGEST or not text.startswith("/"):
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return not parts.scheme and not parts.netloc and not text.startswith("//")
