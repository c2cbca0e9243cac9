"""The database goes away in the midst of recording: nothing half written, nothing acknowledged is lost."""

import asyncio
from typing import Any

import pytest

from formicary.config import Settings
from formicary.db import Database
from formicary.errors import UnavailableError
from formicary.ingest.recorder import Recorder

from .. import postgres
from .factories import run_input, stored_runs
from .test_agent_state import assert_state_is_what_the_runs_say

TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'formicary'"
TABLES = ("project", "agent", "agent_version", "agent_state", "run_key", "run")


async def rows_of_every_table(dsn: str, settings: Settings) -> list[int]:
    database = await Database.open(dsn, settings)
    try:
        return [await database.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES]
    finally:
        await database.close()


async def terminate(dsn: str) -> None:
    """Cut every connection of this database's users."""
    await postgres.execute(dsn, f"{TERMINATE} AND datname = current_database()")


@pytest.mark.parametrize(
    "statement",
    ["BEGIN", "INSERT INTO project", "INSERT INTO agent_version", "INSERT INTO run_key", "FOR UPDATE"],
)
async def test_a_connection_lost_in_mid_batch_leaves_nothing(dsn: str, settings: Settings, statement: str) -> None:
    armed = True

    def cut(query: Any) -> None:
        nonlocal armed
        if armed and statement in query.query:
            armed = False
            postgres.wait_for(terminate(dsn))

    before = await rows_of_every_table(dsn, settings)
    database = await Database.open(dsn, settings, on_query=cut)
    recorder, batch = (
        Recorder(database),
        [run_input("a", externalId="x"), run_input("b", externalId="y", project="new")],
    )
    try:
        with pytest.raises(UnavailableError):
            await recorder.record(batch)
        assert await rows_of_every_table(dsn, settings) == before
        result = await recorder.record(batch)
        assert (result.recorded, len(await stored_runs(database))) == (2, 2)
    finally:
        await database.close()


async def test_a_connection_lost_between_two_batches_is_not_noticed(dsn: str, db: Database) -> None:
    recorder = Recorder(db)
    await recorder.record([run_input()])
    postgres.wait_for(terminate(dsn))  # in this thread, so that the loop cannot have heard of it
    result = await recorder.record([run_input()])
    assert result.recorded == 1


async def test_under_repeated_loss_every_acknowledged_run_is_there_and_none_twice(
    dsn: str, settings: Settings, db: Database
) -> None:
    recorder = Recorder(db)
    batches = [
        [run_input(f"a{n % 3}", externalId=str(n * 20 + k), status="FAILED") for k in range(20)] for n in range(30)
    ]
    acknowledged: list[int] = []

    async def send(number: int) -> None:
        while number not in acknowledged:
            try:
                result = await recorder.record(batches[number])
            except UnavailableError:
                continue
            assert result.recorded + result.unchanged == 20
            acknowledged.append(number)
            if len(acknowledged) % 10 == 5:
                await terminate(dsn)

    await asyncio.gather(*(send(number) for number in range(30)))
    assert len(await stored_runs(db)) == 600
    await assert_state_is_what_the_runs_say(db)
