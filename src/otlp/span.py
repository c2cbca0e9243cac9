"""A span as it is kept: what tells which runs a trace holds, and nothing of what was said in them."""

from enum import IntEnum
from typing import TypeAlias

import msgspec

Scalar: TypeAlias = str | int | float


class Role(IntEnum):
    """What a span is to a run. A wrapper is a workflow or chain: a run only where no agent does its work."""

    OTHER = 0
    AGENT = 1
    WRAPPER = 2
    INFERENCE = 3
    TOOL = 4


RUNS = frozenset({Role.AGENT, Role.WRAPPER})
"""What can be a run."""


class Status(IntEnum):
    """As in OTLP."""

    UNSET = 0
    OK = 1
    ERROR = 2


class Span(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`id` and `parent_id` are the bytes of OTLP; a span without a parent has none. Times are in ns since 1970.

    `facts` are the attributes that count for its role (see aliases.py), by their names. Only what can be a run has a
    name and a message: that of its status.
    """

    id: bytes
    parent_id: bytes
    role: int
    started: int
    ended: int
    status: int = 0
    name: str = ""
    message: str = ""
    facts: dict[str, Scalar] = {}
