"""Every recorded body gives the runs that it holds, however its spans come: seen through GraphQL."""

import asyncio
import random

import httpx2
import pytest

from .fixtures import (
    EXPECTED,
    FILES,
    NAMES,
    Body,
    as_json,
    assert_expected,
    body,
    one_by_one,
    post,
    recorded,
    request_of,
)

ORDERS = 4


@pytest.mark.parametrize(("name", "file"), FILES, ids=[file for _, file in FILES])
async def test_a_body_gives_its_runs_once_even_if_it_comes_twice(
    client: httpx2.AsyncClient, name: str, file: str
) -> None:
    await post(client, body(file))
    once = await recorded(client)
    assert_expected(once, name)
    await post(client, body(file))
    assert await recorded(client) == once


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(ORDERS))
async def test_spans_that_come_one_by_one_in_any_order_give_the_same_runs(
    client: httpx2.AsyncClient, name: str, seed: int
) -> None:
    bodies = one_by_one(request_of(name))
    random.Random(seed).shuffle(bodies)
    await post(client, *bodies)
    assert_expected(await recorded(client), name)


@pytest.mark.parametrize("name", NAMES)
async def test_spans_that_come_parents_first_give_the_same_runs(client: httpx2.AsyncClient, name: str) -> None:
    await post(client, *reversed(one_by_one(request_of(name))))
    assert_expected(await recorded(client), name)


@pytest.mark.parametrize("name", NAMES)
async def test_spans_that_come_at_once_from_many_senders_give_the_same_runs(
    client: httpx2.AsyncClient, name: str
) -> None:
    bodies = one_by_one(request_of(name)) * 2
    random.Random(name).shuffle(bodies)
    await asyncio.gather(*(post(client, single) for single in bodies))
    assert_expected(await recorded(client), name)


async def test_bodies_of_all_senders_together_give_the_runs_of_all(client: httpx2.AsyncClient) -> None:
    await post(client, *(body(file) for _, file in FILES))
    assert_expected(await recorded(client), *EXPECTED)


@pytest.mark.parametrize("name", NAMES)
async def test_a_body_cut_in_two_anywhere_gives_the_same_runs(client: httpx2.AsyncClient, name: str) -> None:
    """Here as exporters cut them: by number of spans."""
    bodies = one_by_one(request_of(name))
    half = len(bodies) // 2
    await post(client, joined(bodies[:half]), joined(bodies[half:]))
    assert_expected(await recorded(client), name)


def joined(bodies: list[Body]) -> Body:
    """Messages in protobuf are joined by putting one after the other."""
    return Body(b"".join(single.content for single in bodies))


@pytest.mark.parametrize("name", NAMES)
async def test_the_same_spans_in_json_add_nothing(client: httpx2.AsyncClient, name: str) -> None:
    await post(client, as_json(request_of(name)))
    runs = await recorded(client)
    assert_expected(runs, name)
    await post(client, *one_by_one(request_of(name)))
    assert await recorded(client) == runs
