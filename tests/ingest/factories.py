"""Run inputs with keyword overrides, and a look at what became of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from formicary.db import Database
from formicary.ingest.run_input import RunInput
from formicary.ingest.scalars import decode_scalar

NOW = datetime.now(UTC).replace(microsecond=0)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def run_input(agent: str = "reader", **fields: Any) -> RunInput:
    """An input as a client sends it: fields are named as in the API, and values are what JSON holds."""
    body = msgspec.json.encode({"agent": agent, **fields})
    return msgspec.json.decode(body, type=RunInput, dec_hook=decode_scalar)


def raw_input(**fields: Any) -> RunInput:
    """An input with values that no JSON gives, by the names of the struct."""
    return RunInput(**{"agent": "reader", **fields})


async def stored_runs(db: Database) -> list[dict[str, Any]]:
    """All rows of `run`, by their external ids."""
    rows = await db.fetch("SELECT * FROM run ORDER BY agent_id, external_id, id")
    return [dict(row) for row in rows]


async def stored_run(db: Database) -> dict[str, Any]:
    """The one row there is."""
    (row,) = await stored_runs(db)
    return row
