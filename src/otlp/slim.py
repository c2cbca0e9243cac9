"""From all that a span says to what is kept of it."""

import math
from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from .aliases import (
    CREATES_AGENT,
    EXCEPTION_MESSAGE,
    EXCEPTION_TYPE,
    KEPT,
    LC_AGENT_NAME,
    METADATA,
    OPERATION,
    RANK,
    ROLES,
    SERVICE_VERSION,
    SIGNS,
)
from .span import Role, Scalar

MAX_TEXT = 200
MAX_MESSAGE = 1_000
MAX_INTEGER = 2**63 - 1

Attributes: TypeAlias = Mapping[str, Scalar]
NOTHING: Attributes = {}


class _Metadata(msgspec.Struct):
    lc_agent_name: str | None = None


_ROLES = tuple(ROLES.items())
_AGENT, _WRAPPER, _OTHER = Role.AGENT, Role.WRAPPER, Role.OTHER  # to look into an enum each time takes 0.1 us
_decode_metadata = msgspec.json.Decoder(_Metadata).decode


def drop(attributes: dict[str, Scalar], role: Role) -> None:
    """Take out what is not kept of a span of a role: less than half of what is looked at."""
    for name in attributes.keys() - KEPT[role]:
        del attributes[name]


def facts_of(attributes: Attributes, role: Role) -> dict[str, Scalar]:
    """The attributes that are kept of a span of a role, as they may be kept."""
    facts = dict(attributes)
    drop(facts, role)
    texts = "".join([value for value in facts.values() if type(value) is str])
    if len(texts) <= MAX_TEXT and texts.isprintable():
        return facts
    return {name: plain(value) if isinstance(value, str) else value for name, value in facts.items()}


def told_elsewhere(attributes: Attributes, role: Role, resource: Attributes) -> dict[str, Scalar]:
    """What is said of a run elsewhere than in an attribute of its own."""
    facts: dict[str, Scalar] = {}
    if (version := resource.get(SERVICE_VERSION)) is not None:
        facts[SERVICE_VERSION] = plain(str(version))
    if role is _AGENT and (name := _lc_agent_name(attributes)):
        facts[LC_AGENT_NAME] = plain(name)
    return facts


def facts_of_exception(exception: Attributes) -> dict[str, Scalar]:
    """`exception` are the attributes of an event of that name."""
    longest = {EXCEPTION_TYPE: MAX_TEXT, EXCEPTION_MESSAGE: MAX_MESSAGE}
    return {name: plain(str(exception[name]), most) for name, most in longest.items() if name in exception}


def role_of(attributes: Attributes, name: str) -> Role:
    """What a span of this name is. LangChain's agents are chains to OpenInference unless "agent" is in their name."""
    found: Role | None = None
    for attribute, values in _ROLES:
        if attribute in attributes:
            role = _role_by(values, str(attributes[attribute]))
            found = role if found is None else min(found, role, key=RANK.index)
    if found is None:
        return _by_signs(attributes)
    if attributes.get(OPERATION) == CREATES_AGENT:
        return _OTHER
    return _AGENT if found is _WRAPPER and name and _lc_agent_name(attributes) == name else found


def _role_by(values: Mapping[str, Role], value: str) -> Role:
    return values.get(value) or values.get(value.lower()) or _OTHER


def _by_signs(attributes: Attributes) -> Role:
    for names, role in SIGNS:
        if all(name in attributes for name in names):
            return role
    return _OTHER


def _lc_agent_name(attributes: Attributes) -> str | None:
    metadata = attributes.get(METADATA)
    if not isinstance(metadata, str):
        return None
    try:
        return _decode_metadata(metadata).lc_agent_name
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def number(value: float) -> int | float | None:
    """None for what is no number, or none of 64 bits."""
    return value if math.isfinite(value) and abs(value) <= MAX_INTEGER else None


def plain(value: str, longest: int = MAX_TEXT) -> str:
    """Cut, and without what PostgreSQL cannot hold."""
    value = value[:longest]
    if "\0" in value:
        value = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value if value.isascii() else value.encode(errors="replace").decode()
