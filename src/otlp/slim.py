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
from .span import Role, Scalar, Span, Status

MAX_TEXT = 200
MAX_MESSAGE = 1_000
MAX_INTEGER = 2**63 - 1

Attributes: TypeAlias = Mapping[str, Scalar]

_RUNS = (Role.AGENT, Role.WRAPPER)


class _Metadata(msgspec.Struct):
    lc_agent_name: str | None = None


_decode_metadata = msgspec.json.Decoder(_Metadata).decode


def slim(
    *,
    id: bytes,  # noqa: A002
    parent_id: bytes,
    name: str,
    started: int,
    ended: int,
    status: int,
    message: str,
    attributes: Attributes,
    resource: Attributes,
    exception: Attributes,
) -> Span:
    """What is kept of a span; `exception` are the attributes of the last of its events of that name."""
    role = role_of(attributes)
    kept = KEPT[role]
    facts = {key: value for key, given in attributes.items() if key in kept and (value := _clean(given)) is not None}
    if role not in _RUNS:
        return Span(id, parent_id, role, started, ended, status, facts=facts)
    _add_indirect(facts, role, attributes, resource)
    if status != Status.ERROR:
        return Span(id, parent_id, role, started, ended, status, _text(name, MAX_TEXT), facts=facts)
    if (type_ := exception.get(EXCEPTION_TYPE)) is not None:
        facts[EXCEPTION_TYPE] = _text(str(type_), MAX_TEXT)
    if (words := exception.get(EXCEPTION_MESSAGE)) is not None:
        facts[EXCEPTION_MESSAGE] = _text(str(words), MAX_MESSAGE)
    shown, told = _text(name, MAX_TEXT), _text(message, MAX_MESSAGE)
    return Span(id, parent_id, role, started, ended, status, shown, told, facts)


def role_of(attributes: Attributes) -> Role:
    found: list[Role] = []
    declared = False
    for name, values in ROLES.items():
        value = attributes.get(name)
        if value is None:
            continue
        if value == CREATES_AGENT and name == OPERATION:
            return Role.OTHER
        declared = True
        text = str(value)
        role = values.get(text) or values.get(text.lower())
        if role is not None:
            found.append(role)
    if len(found) == 1:
        return found[0]
    if declared:
        return min(found, key=RANK.index, default=Role.OTHER)
    return _by_signs(attributes)


def _by_signs(attributes: Attributes) -> Role:
    for names, role in SIGNS:
        if all(name in attributes for name in names):
            return role
    return Role.OTHER


def _add_indirect(facts: dict[str, Scalar], role: Role, attributes: Attributes, resource: Attributes) -> None:
    """What is said elsewhere than in an attribute of the span."""
    version = _clean(resource.get(SERVICE_VERSION, ""))
    if version:
        facts[SERVICE_VERSION] = version
    metadata = attributes.get(METADATA)
    if role is Role.AGENT and isinstance(metadata, str) and (name := _lc_agent_name(metadata)):
        facts[LC_AGENT_NAME] = _text(name, MAX_TEXT)


def _lc_agent_name(metadata: str) -> str | None:
    try:
        return _decode_metadata(metadata).lc_agent_name
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def _clean(value: Scalar) -> Scalar | None:
    """None for what is no value: infinite, not a number, or longer than 64 bits."""
    if isinstance(value, str):
        return _text(value, MAX_TEXT)
    return value if math.isfinite(value) and abs(value) <= MAX_INTEGER else None


def _text(value: str, longest: int) -> str:
    """Cut, and without what PostgreSQL cannot hold."""
    value = value[:longest]
    if "\0" in value:
        value = value.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return value if value.isascii() else value.encode(errors="replace").decode()
