"""Files on their way into the database, batch by batch."""

import json
from collections.abc import Iterator
from io import BufferedReader, BytesIO
from typing import IO, Any, cast

import pytest

from formicary.db import Database
from formicary.errors import UnavailableError
from formicary.importing.loading import Format, Found, check_only, find, load
from formicary.ingest.recorder import Recorded, Recorder
from formicary.ingest.run_input import RunInput


def runs(number: int, **others: dict[str, Any]) -> Iterator[Found]:
    """Runs of a file of so many lines; `others` stand at the lines of their names, such as `line_3`."""
    lines = [others.get(f"line_{at}", {"agent": "scout", "externalId": f"job-{at}"}) for at in range(1, number + 1)]
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    return find(cast("IO[bytes]", BufferedReader(cast("Any", BytesIO(content)))), Format.FORMICARY)


async def test_what_could_not_be_recorded_is_told_by_its_line(db: Database) -> None:
    faulty: list[Found] = []
    found = runs(1_500, line_3={"agent": ""}, line_4={"agent": 5}, line_1200={"agent": "a", "metadata": []})
    loaded = await load(found, Recorder(db).record, reject=faulty.append, progress=lambda _: None)
    assert [item.line for item in faulty] == [3, 4, 1200]
    assert (loaded.recorded, loaded.rejected) == (1_497, 3)


async def test_a_check_finds_what_recording_would(db: Database) -> None:
    faulty: list[Found] = []
    found = list(runs(10, line_3={"agent": ""}, line_4={"agent": 5}, line_7={"agent": "a", "metadata": []}))
    checked = await load(iter(found), check_only, reject=faulty.append, progress=lambda _: None)
    recorded = await load(iter(found), Recorder(db).record, reject=faulty.append, progress=lambda _: None)
    assert checked == recorded
    assert faulty[:3] == faulty[3:]


async def test_when_the_database_goes_away_the_line_to_go_on_with_is_known() -> None:
    done: list[int | None] = []

    async def record(batch: list[RunInput]) -> Recorded:
        if done:
            raise UnavailableError
        return await check_only(batch)

    with pytest.raises(UnavailableError):
        await load(runs(2_500), record, reject=lambda _: None, progress=done.append)
    assert done == [1_000]
