"""So many at once and no more, and nobody waits for ever."""

import asyncio

import pytest

from formicary.errors import OverloadedError
from formicary.ingest.turns import Turns


async def test_who_gets_no_turn_in_time_is_told_so_and_may_come_again() -> None:
    turns = Turns(2, patience=0.01)
    async with turns.take(), turns.take():
        with pytest.raises(OverloadedError):
            await turns.take().__aenter__()
    async with turns.take(), turns.take():
        pass


async def test_a_turn_that_fails_is_free_again() -> None:
    turns = Turns(1, patience=0.01)
    with pytest.raises(ZeroDivisionError):
        async with turns.take():
            raise ZeroDivisionError
    async with turns.take():
        pass


async def test_a_turn_that_becomes_free_is_taken() -> None:
    turns = Turns(1, patience=60)
    order: list[str] = []

    async def work(name: str) -> None:
        async with turns.take():
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(work("a"), work("b"))
    assert order == ["a begins", "a ends", "b begins", "b ends"]
