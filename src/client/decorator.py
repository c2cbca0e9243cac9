"""Functions that record a run each time they are called: plain ones, coroutines and both kinds of generators.

A generator's run goes from its first step to its last. Between steps the run is not the current one, since it is the
consumer's code that runs then.
"""

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from .run import Run, under_way

P = ParamSpec("P")
T = TypeVar("T")
NewRun = Callable[[], Run]
AnyFunction = Callable[..., Any]


def recorded(new_run: NewRun, function: Callable[P, T]) -> Callable[P, T]:
    """`function`, with a run around each call of it."""
    wrap = next((wrap for is_kind, wrap in _KINDS if is_kind(function)), _plain)
    return functools.wraps(function)(wrap(new_run, function))


def _plain(new_run: NewRun, function: AnyFunction) -> AnyFunction:
    def call(*args: Any, **kwargs: Any) -> Any:
        with new_run():
            return function(*args, **kwargs)

    return call


def _coroutine(new_run: NewRun, function: AnyFunction) -> AnyFunction:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with new_run():
            return await function(*args, **kwargs)

    return call


def _generator(new_run: NewRun, function: AnyFunction) -> AnyFunction:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _aside(new_run()) as run:
            return (yield from _Steps(function(*args, **kwargs), run))

    return call


def _async_generator(new_run: NewRun, function: AnyFunction) -> AnyFunction:
    """As `yield from` would do it, which there is not for these."""

    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        steps: AsyncGenerator[Any, Any] = function(*args, **kwargs)
        with _aside(new_run()) as run:
            step: AnyFunction = steps.asend
            value: Any = None
            while True:
                try:
                    with under_way(run):
                        item = await step(value)
                except StopAsyncIteration:
                    return
                try:
                    value = yield item
                    step = steps.asend
                except GeneratorExit:
                    with under_way(run):
                        await steps.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - it is the generator's to handle
                    step, value = steps.athrow, error

    return call


_KINDS: tuple[tuple[Callable[[object], bool], Callable[[NewRun, AnyFunction], AnyFunction]], ...] = (
    (inspect.iscoroutinefunction, _coroutine),
    (inspect.isgeneratorfunction, _generator),
    (inspect.isasyncgenfunction, _async_generator),
)


class _Steps(Generator[Any, Any, Any]):
    """A generator, each step of which is part of the run."""

    def __init__(self, generator: Generator[Any, Any, Any], run: Run) -> None:
        self._generator = generator
        self._run = run

    def send(self, value: Any) -> Any:
        with under_way(self._run):
            return self._generator.send(value)

    def throw(self, *error: Any) -> Any:
        with under_way(self._run):
            return self._generator.throw(*error)


@contextmanager
def _aside(run: Run) -> Iterator[Run]:
    """The run starts and ends with the block, without being the current one."""
    run.start()
    try:
        yield run
    except BaseException as error:
        run.end(error)
        raise
    run.end()
