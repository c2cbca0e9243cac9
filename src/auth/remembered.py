"""What the database was just asked for, without a statement per request.

A value that was found is known for `TTL` seconds; a change takes effect within that time. However many ask for one at
the same time, it is looked up once. Only what exists is kept, so made-up keys can neither fill the memory nor push
others out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

TTL = 5.0
MOST_KNOWN = 10_000

Value = TypeVar("Value")
Clock = Callable[[], float]


class Remembered(Generic[Value]):
    """`find` looks a value up; None is what does not exist."""

    def __init__(self, find: Callable[[str], Awaitable[Value | None]], *, clock: Clock) -> None:
        self._find = find
        self._clock = clock
        self._known: dict[str, tuple[Value, float]] = {}
        self._asking: dict[str, asyncio.Task[Value | None]] = {}

    async def get(self, key: str) -> Value | None:
        known = self._known.get(key)
        if known and self._clock() < known[1]:
            return known[0]
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.create_task(self._ask(key))
            asking.add_done_callback(lambda _: self._asking.pop(key))
        return await asyncio.shield(asking)

    def forget(self, key: str) -> None:
        self._known.pop(key, None)

    async def _ask(self, key: str) -> Value | None:
        asked_at = self._clock()
        value = await self._find(key)
        self.forget(key)
        if value is not None:
            if len(self._known) >= MOST_KNOWN:
                del self._known[next(iter(self._known))]
            self._known[key] = value, asked_at + TTL
        return value
