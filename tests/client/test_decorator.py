"""A decorated function does what it did, and each call of it is a run."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Generator
from contextlib import aclosing

import pytest

from formicary.client import Recorder, current_run

from .stand_in import StandIn


def ends(recorder: Recorder, server: StandIn) -> list[tuple[str, str]]:
    assert recorder.flush()
    return [(run["agent"], run["status"]) for run in server.runs]


def agent() -> str:
    return current_run().key["agent"]


def test_a_function_keeps_its_name_its_arguments_and_its_result(recorder: Recorder, server: StandIn) -> None:
    @recorder.record("scout", version="2")
    def look(where: str, *, far: bool = False) -> tuple[str, bool, str]:
        """Look."""
        return where, far, agent()

    assert (look.__name__, look.__doc__) == ("look", "Look.")
    assert look("north", far=True) == ("north", True, "scout")
    assert look("south") == ("south", False, "scout")
    assert ends(recorder, server) == [("scout", "SUCCEEDED")] * 2
    assert server.runs[0]["externalId"] != server.runs[1]["externalId"]


def test_a_function_that_raises_fails_its_run(recorder: Recorder, server: StandIn) -> None:
    @recorder.record("scout")
    def look() -> None:
        raise LookupError

    with pytest.raises(LookupError):
        look()
    assert ends(recorder, server) == [("scout", "FAILED")]


async def test_a_coroutine_stays_one(recorder: Recorder, server: StandIn) -> None:
    @recorder.record("scout")
    async def look() -> str:
        await asyncio.sleep(0)
        return agent()

    assert inspect.iscoroutinefunction(look)
    assert [*await asyncio.gather(look(), look())] == ["scout", "scout"]
    assert await asyncio.to_thread(ends, recorder, server) == [("scout", "SUCCEEDED")] * 2


def talk(recorder: Recorder, heard: list[object]) -> Generator[str, object, str]:
    @recorder.record("scout")
    def look() -> Generator[str, object, str]:
        heard.append((yield agent()))
        try:
            yield "caught"
        except LookupError as error:
            heard.append(error)
        yield agent()
        return "done"

    return look()


def test_a_generator_is_one_run_from_its_first_step_to_its_last(recorder: Recorder, server: StandIn) -> None:
    heard: list[object] = []
    steps = talk(recorder, heard)
    error = LookupError()
    with recorder.run("consumer"):
        assert next(steps) == "scout"
        assert agent() == "consumer"
        assert steps.send("hello") == "caught"
        assert steps.throw(error) == "scout"
        with pytest.raises(StopIteration) as end:
            next(steps)
    assert end.value.value == "done"
    assert heard == ["hello", error]
    assert ends(recorder, server) == [("scout", "SUCCEEDED"), ("consumer", "SUCCEEDED")]


def test_a_generator_that_is_not_read_to_its_end_is_cancelled(recorder: Recorder, server: StandIn) -> None:
    steps = talk(recorder, [])
    next(steps)
    steps.close()
    assert ends(recorder, server) == [("scout", "CANCELLED")]


def test_a_generator_that_raises_fails_its_run(recorder: Recorder, server: StandIn) -> None:
    steps = talk(recorder, [])
    next(steps)
    with pytest.raises(ZeroDivisionError):
        steps.throw(ZeroDivisionError())
    assert ends(recorder, server) == [("scout", "FAILED")]


def talk_later(recorder: Recorder, heard: list[object]) -> AsyncGenerator[str, object]:
    @recorder.record("scout")
    async def look() -> AsyncGenerator[str, object]:
        heard.append((yield agent()))
        try:
            yield "caught"
        except LookupError as error:
            heard.append(error)
        finally:
            await asyncio.sleep(0)
            heard.append(agent())
        yield agent()

    return look()


async def test_an_async_generator_is_one_run_from_its_first_step_to_its_last(
    recorder: Recorder, server: StandIn
) -> None:
    heard: list[object] = []
    steps = talk_later(recorder, heard)
    error = LookupError()
    async with recorder.run("consumer"):
        assert await anext(steps) == "scout"
        assert agent() == "consumer"
        assert await steps.asend("hello") == "caught"
        assert await steps.athrow(error) == "scout"
        assert await anext(steps, "no more") == "no more"
    assert heard == ["hello", error, "scout"]
    assert await asyncio.to_thread(ends, recorder, server) == [("scout", "SUCCEEDED"), ("consumer", "SUCCEEDED")]


async def test_an_async_generator_that_is_not_read_to_its_end_is_closed_and_cancelled(
    recorder: Recorder, server: StandIn
) -> None:
    heard: list[object] = []
    async with aclosing(talk_later(recorder, heard)) as steps:
        await anext(steps)
        await anext(steps)
    assert heard == [None, "scout"]
    assert await asyncio.to_thread(ends, recorder, server) == [("scout", "CANCELLED")]


async def test_an_async_generator_that_raises_fails_its_run(recorder: Recorder, server: StandIn) -> None:
    steps = talk_later(recorder, [])
    await anext(steps)
    with pytest.raises(ZeroDivisionError):
        await steps.athrow(ZeroDivisionError())
    assert await asyncio.to_thread(ends, recorder, server) == [("scout", "FAILED")]
