"""Ids of runs, taken from the database's sequence in blocks, so that a run needs no statement of its own."""

from ..db import Connection

BLOCK = 1_000
"""By so much the sequence `run_id_seq` is incremented at a time."""


class RunIds:
    """The blocks that this process has taken and not used up. What a failed batch took is lost, which is harmless."""

    def __init__(self) -> None:
        self._free: list[range] = []

    async def take(self, connection: Connection, count: int) -> list[int]:
        while (missing := count - sum(len(block) for block in self._free)) > 0:
            rows = await connection.fetch(
                "SELECT nextval('run_id_seq') FROM generate_series(1, $1::int)", -(-missing // BLOCK)
            )
            self._free += [range(row[0], row[0] + BLOCK) for row in rows]
        return self._cut(count)

    def take_one(self) -> int | None:
        """An id that is at hand."""
        return self._cut(1)[0] if self._free else None

    def _cut(self, count: int) -> list[int]:
        ids: list[int] = []
        while len(ids) < count:
            block = self._free.pop(0)
            wanted = count - len(ids)
            ids += block[:wanted]
            if len(block) > wanted:
                self._free.insert(0, block[wanted:])
        return ids
