import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send


class LazyEndpoint:
    """Loaded with its first request, so that a server that gets none is spared the memory."""

    def __init__(self, load: Callable[[], ASGIApp]) -> None:
        self._load = load
        self._loading = asyncio.Lock()
        self._endpoint: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._loading:
            if self._endpoint is None:
                self._endpoint = await asyncio.to_thread(self._load)
        await self._endpoint(scope, receive, send)
