"""Server-sent events as they go over the wire."""

ROW = "run"
"""A row of the list, as HTML."""
BEAT = "beat"
"""All is shown as of this time."""
END = "end"
"""The listener's login is over: there is no use in coming back."""


def event(name: str, data: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode()
