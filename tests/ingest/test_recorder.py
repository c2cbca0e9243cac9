"""How many batches are recorded at a time."""

import asyncio

import pytest

from formicary.db import Database
from formicary.errors import OverloadedError
from formicary.ingest.recorder import LARGE_AT_ONCE, LARGE_BATCH, Recorder

from .factories import raw_input

LARGE = [raw_input()] * (LARGE_BATCH + 1)
WAITS_FOR_THE_AGENT = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"


async def test_a_large_batch_waits_for_others_for_a_while_only(db: Database) -> None:
    recorder = Recorder(db, patience=0.01)
    await recorder.record([raw_input(), raw_input()])
    async with db.transaction() as connection:
        await connection.execute("SELECT agent_id FROM agent_state FOR UPDATE")
        others = [asyncio.create_task(recorder.record(LARGE)) for _ in range(LARGE_AT_ONCE)]
        while await connection.fetchval(WAITS_FOR_THE_AGENT) < 1:
            pass
        with pytest.raises(OverloadedError):
            await recorder.record(LARGE)
    assert [result.recorded for result in await asyncio.gather(*others)] == [len(LARGE)] * LARGE_AT_ONCE
    assert (await recorder.record(LARGE)).recorded == len(LARGE)
