import asyncio


class Deed:
    """Work of a job. It counts its runs, and lets a test wait for a number of them."""

    def __init__(self, error: Exception | None = None, *, more: int = 0) -> None:
        self.runs = 0
        self.error = error
        self._more = more
        self._ran = asyncio.Condition()

    async def __call__(self) -> bool:
        """There is more to do the first `more` times."""
        self.runs += 1
        async with self._ran:
            self._ran.notify_all()
        if self.error:
            raise self.error
        return self.runs <= self._more

    async def has_run(self, times: int) -> None:
        async with self._ran, asyncio.timeout(5):
            await self._ran.wait_for(lambda: self.runs >= times)
