"""Rows as Apache Parquet, a row group at a time."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from io import RawIOBase
from typing import Any

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from .types import Type, Typed

PLACES = Decimal(1).scaleb(-12)

TYPES: dict[Type, pa.DataType] = {
    Type.TEXT: pa.string(),
    Type.JSON: pa.string(),
    Type.INTEGER: pa.int64(),
    Type.FLOAT: pa.float64(),
    Type.DECIMAL: pa.decimal128(38, 12),
    Type.TIME: pa.timestamp("us", tz="UTC"),
}
"""Money is kept to 12 decimals, which is a billionth of what a token costs."""


class File:
    """A Parquet file in the making: rows go in, and the bytes that are ready come out. It takes a thread's time."""

    def __init__(self, columns: Sequence[Typed]) -> None:
        self._columns = columns
        self._schema = pa.schema([(column.name, TYPES[column.type]) for column in columns])
        self._sink = _Sink()
        self._writer = ParquetWriter(self._sink, self._schema, compression="zstd")

    async def write(self, rows: Sequence[Sequence[Any]]) -> bytes:
        """Add a row group."""
        return await asyncio.to_thread(self._write, rows)

    async def end(self) -> bytes:
        """Close the file; without rows it still has its columns."""
        await asyncio.to_thread(self._writer.close)
        return self._sink.take()

    def _write(self, rows: Sequence[Sequence[Any]]) -> bytes:
        columns = [_cells(column, cells) for column, cells in zip(self._columns, zip(*rows, strict=True), strict=True)]
        arrays = [pa.array(cells, field.type) for cells, field in zip(columns, self._schema, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        return self._sink.take()


class _Sink(RawIOBase):
    """A file that is written from front to end, and read as it grows."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self._pieces.append(bytes(piece))
        self._size += len(piece)
        return len(piece)

    def tell(self) -> int:
        return self._size

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def _cells(column: Typed, cells: Sequence[Any]) -> Sequence[Any]:
    if column.type is not Type.DECIMAL:
        return cells
    return [None if cell is None else cell.quantize(PLACES) for cell in cells]
