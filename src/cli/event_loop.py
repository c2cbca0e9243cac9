"""The event loop of a command that runs until it is told to stop."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Coroutine

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_until_told(doing: Coroutine[None, None, None]) -> None:
    """Run to the end, or to SIGINT or SIGTERM, which cancels it and is no error."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_until_told(doing))


def on_signals(handle: Callable[[int], object]) -> None:
    """From here on; what was set before no longer counts."""
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, handle, number)


async def _until_told(doing: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(doing)
    on_signals(lambda _: None if task.cancelling() else task.cancel())
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if sys.platform == "win32":
        return asyncio.new_event_loop
    import uvloop

    return uvloop.new_event_loop
