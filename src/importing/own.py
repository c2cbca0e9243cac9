"""Runs in the API's own shape: `RunInput` as JSON, and what `formicary export` writes, as JSON or CSV.

A run without an external id gets one of its place and content, so that a file can be imported again, or on from where
it was interrupted, and each run is stored once.
"""

import hashlib
from typing import Any

import msgspec

from ..errors import BadInputError
from ..ingest.run_input import DEFAULT_PROJECT, RunInput
from ..ingest.scalars import decode_scalar
from .records import Record

LISTS = ("models", "tools")
NOT_STATED = ("costSource", "recordedAt")
"""What an export has and a run does not state."""
ESTIMATED = "ESTIMATED"
FORMULA = ("'=", "'+", "'-", "'@", "'\t", "'\r")

_encode = msgspec.json.Encoder(order="sorted", enc_hook=str).encode


def run_input(record: Record, project: str | None = None) -> RunInput:
    """`project` is that of a record which names none. Raises BadInputError, naming the field."""
    values = {name: value for name, value in record.values.items() if value is not None}
    if record.is_text:
        values = {name: _value(name, cell) for name, cell in values.items()}
    _leave_out_what_was_computed(values)
    values.setdefault("project", project or DEFAULT_PROJECT)
    _name_parent(values)
    values.setdefault("externalId", _id(record))
    try:
        return msgspec.convert(values, RunInput, strict=not record.is_text, dec_hook=decode_scalar)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadInputError(str(error)) from None


def _value(name: str, cell: str) -> Any:
    """Of a cell, without the apostrophe that keeps spreadsheets from taking it for a formula."""
    if name in LISTS or name == "metadata":
        return _json(name, cell)
    return cell[1:] if cell.startswith(FORMULA) else cell


def _json(name: str, cell: str) -> Any:
    """A list may also be a text with semicolons."""
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        if name in LISTS and cell[:1] not in ("[", "{"):
            return [item.strip() for item in cell.split(";")]
        raise BadInputError(f"{name}: {cell[:60]!r} is not valid JSON") from None


def _leave_out_what_was_computed(values: dict[str, Any]) -> None:
    """A cost that was estimated is estimated again, for nobody has reported it."""
    if values.get("costSource") == ESTIMATED:
        values.pop("cost", None)
    for name in NOT_STATED:
        values.pop(name, None)


def _name_parent(values: dict[str, Any]) -> None:
    agent, external_id = values.pop("parentAgent", None), values.pop("parentExternalId", None)
    if agent is not None and external_id is not None:
        values["parent"] = {"agent": agent, "externalId": external_id, "project": values["project"]}


def _id(record: Record) -> str:
    digest = hashlib.sha256(_encode([record.line, record.values])).hexdigest()
    return f"import-{digest[:32]}"
