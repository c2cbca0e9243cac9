"""One message about a run, and its JSON as an item of `RecordRunsInput.runs`.

Encoding takes longer than all else that is done for a run, so it is done in the background.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from . import values
from .facts import FIELDS, RunKey
from .notices import Notices


class Message(NamedTuple):
    """`started` and `ended` are seconds since 1970; without an end the run is still going on.

    `facts` is the message's own dict: nobody changes it any more.
    """

    key: RunKey
    version: str
    status: str
    started: float
    ended: float | None
    facts: Mapping[str, Any]


_dumps = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def encode(message: Message, notices: Notices) -> bytes:
    """One line of JSON. A fact that cannot be converted is left out with a notice; the run is recorded without it."""
    run: dict[str, object] = {
        **values.key(message.key),
        "version": values.text(message.version),
        "status": message.status,
        "startedAt": values.instant(message.started),
    }
    if message.ended is not None:
        run["endedAt"] = values.instant(message.ended)
    for name, value in message.facts.items():
        if value is not None:
            _add(run, name, value, notices)
    return _dumps(run).encode("ascii")


def _add(run: dict[str, object], name: str, value: object, notices: Notices) -> None:
    if name not in FIELDS:
        notices.tell(f"fact {name}", "there is no fact %r of a run; it is left out", name)
        return
    field, convert = FIELDS[name]
    try:
        run[field] = convert(value)
    except Exception as error:  # noqa: BLE001 - what an agent states can be anything, and so can its errors
        kind = type(value).__name__
        notices.tell(f"fact {name}", "%s of a run is left out, since a %s does not fit: %s", name, kind, error)
