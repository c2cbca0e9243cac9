"""Whatever the order in which runs arrive, and whenever scores are computed, the history is the same."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr

from formicary.config import Settings
from formicary.db import Database
from formicary.ingest.recorder import Recorder
from formicary.rollups.aggregate import settle
from formicary.rollups.fold import fold
from formicary.rollups.pheromone import update
from formicary.rollups.recompute import recompute
from formicary.rollups.roll import roll

from .. import postgres
from ..ingest.factories import NOW, ago, run_input

HISTORY = """
    SELECT a.name, p.starts_at, p.score, p.runs, p.quality, p.median_duration_ms, p.median_cost
    FROM pheromone_hour p JOIN agent a ON a.id = p.agent_id ORDER BY a.name, p.starts_at"""
SCORES = """
    SELECT a.name, s.pheromone_score, s.pheromone_at
    FROM agent_state s JOIN agent a ON a.id = s.agent_id ORDER BY a.name"""

Run = dict[str, Any]
Step = Callable[[Database], Awaitable[object]]

moments = st.integers(0, 20 * 24).map(lambda hours: ago(3600 * hours).isoformat())
runs = st.lists(
    st.fixed_dictionaries(
        {
            "agent": st.sampled_from(("a", "a", "a", "reporter")),
            "status": st.sampled_from(("SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "FAILED", "TIMED_OUT", "CANCELLED")),
            "first": st.none() | moments,
            "last": moments,
            "duration": st.none() | st.integers(0, 2_000),
            "cost": st.none() | st.integers(0, 500),
            "score": st.sampled_from((None, 0.2, 0.7)),
        }
    ),
    min_size=1,
    max_size=25,
)


def message(number: int, run: Run, which: str) -> Run:
    """What is sent of a run, the first time and the last; the first time some of it is wrong."""
    stated = {"agent": run["agent"], "externalId": f"run {number}", "status": run["status"], "startedAt": run[which]}
    wrong = 7 if which == "first" else 0
    if run["duration"] is not None:
        stated["durationMs"] = run["duration"] + wrong
    if run["cost"] is not None:
        stated["cost"] = f"{(run['cost'] + wrong) / 1e6:.6f}"
    if run["agent"] == "reporter":
        stated["pheromoneScore"] = run["score"]
    return stated


async def record(db: Database, messages: Sequence[Run]) -> None:
    recorded = await Recorder(db).record([run_input(**message) for message in messages], None)
    assert not recorded.rejected


async def history(db: Database, settings: Settings) -> tuple[list[Any], list[Any]]:
    """What is stored in the end, and the scores."""
    await settle(db, NOW)
    await update(db, settings, NOW)
    stored = [tuple(row) for row in await db.fetch(HISTORY)]
    return stored, [(name, pytest.approx(score, abs=2e-6), at) for name, score, at in await db.fetch(SCORES)]


async def in_order(db: Database, settings: Settings, sent: Sequence[Run]) -> tuple[list[Any], list[Any]]:
    """All at once, each run as it is in the end."""
    await record(db, [message(number, run, "last") for number, run in enumerate(sent)])
    return await history(db, settings)


async def in_disorder(
    db: Database, settings: Settings, sent: Sequence[Run], *, data: st.DataObject
) -> tuple[list[Any], list[Any]]:
    """One by one in any order, some corrected later, with background work at any moment."""
    works: list[Step] = [fold, recompute, lambda db: roll(db, NOW), lambda db: update(db, settings, NOW)]
    places = data.draw(st.permutations([number for number, run in enumerate(sent) for _ in ("first", "last")]))
    known: set[int] = set()
    for number in places:
        which = "last" if number in known or sent[number]["first"] is None else "first"
        known.add(number)
        await record(db, [message(number, sent[number], which)])
        for work in data.draw(st.lists(st.sampled_from(works), max_size=2)):
            await work(db)
    return await history(db, settings)


@examples(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[phase for phase in Phase if phase is not Phase.shrink],
)
@given(sent=runs, data=st.data())
def test_the_same_runs_in_any_order_give_the_same_history(
    server_dsn: str, template: str, sent: list[Run], data: st.DataObject
) -> None:
    async def check() -> None:
        found = []
        for replay in (in_order, partial(in_disorder, data=data)):
            name = postgres.fresh_name()
            await postgres.execute(server_dsn, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
            dsn = postgres.on_database(server_dsn, name)
            settings = Settings(database_url=SecretStr(dsn), pool_size=2)
            db = await Database.open(dsn, settings)
            try:
                found.append(await replay(db, settings, sent))
            finally:
                await db.close()
                await postgres.execute(server_dsn, f"DROP DATABASE {name} WITH (FORCE)")
        assert found[0] == found[1]

    asyncio.run(check())
