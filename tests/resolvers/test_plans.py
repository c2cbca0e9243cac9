"""Every question that can be asked of the runs is answered from indexes; the times are in `make bench`."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from formicary.config import Settings
from formicary.db import Connection, Database

from ..bench.questions import BEYOND, questions
from .conftest import RUNS

MOST_PAGES = 700
"""That a question may touch; the runs and their indexes have more than 4,000."""
MOST_PAGES_OF = {
    "newest, agents, 100": 4_000,
    "newest, version old, all agents": 12_000,
    "last 5 runs of 50 agents": 3_000,
    "newest, error text with a number": 1_500,
}
"""Where several values are looked up, each in every partition, or the newest errors are looked through: pages are
counted as often as they are touched."""

ASKED = {name: question for name, question in questions(RUNS).items() if name not in BEYOND}


@pytest.mark.parametrize("name", ASKED)
async def test_a_question_reads_few_pages_and_no_partition_as_a_whole(loaded_dsn: str, name: str) -> None:
    plans = await explain(loaded_dsn, name)
    assert [node["Relation Name"] for plan in plans for node in nodes(plan) if reads_whole_partition(node)] == []
    assert sum(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] for plan in plans) <= MOST_PAGES_OF.get(
        name, MOST_PAGES
    )


async def explain(dsn: str, name: str) -> list[Any]:
    """The plans of the statements that answer a question."""
    heard: list[Any] = []
    database = await Database.open(dsn, Settings(database_url=SecretStr(dsn), pool_size=1), on_query=heard.append)
    await ASKED[name](database)
    queries = [(query.query, query.args) for query in heard]
    async with database.connection() as connection:
        plans = [await plan_of(connection, query, args) for query, args in queries]
    await database.close()
    return plans


async def plan_of(connection: Connection, query: str, args: tuple[object, ...]) -> Any:
    text = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {query}", *args)
    return json.loads(text)[0]["Plan"]


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def reads_whole_partition(node: Any) -> bool:
    """A sequential scan over a partition that holds runs; reading an empty one so is as good as any other way."""
    read = node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)
    return bool(node["Node Type"] == "Seq Scan" and node["Relation Name"].startswith("run_2") and read > 0)
