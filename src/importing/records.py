"""The records of a file, each with the line that it starts on: objects of JSON, or the rows of a CSV.

What kind of file it is shows in its first character. Compressed with gzip, it is read as what is in it.
"""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from typing import IO, Any, NamedTuple, Protocol, TypeAlias, cast

import msgspec

from ..errors import BadInputError

GZIP = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_CELL = min(sys.maxsize, 2**31 - 1)

_decode = msgspec.json.Decoder().decode


class Record(NamedTuple):
    """`fault` says why a line holds no record; `is_text`: the values are the cells of a CSV."""

    line: int
    values: dict[str, Any]
    fault: str | None = None
    is_text: bool = False


Records: TypeAlias = Iterator[Record]


class Peekable(Protocol):
    """A file that can be looked at before it is read, as those are that `open` gives for `rb`."""

    def peek(self, size: int, /) -> bytes: ...


def read(file: IO[bytes]) -> Records:
    """The file stays open. Raises BadInputError for one that is neither JSON nor a CSV with a heading."""
    if not _begins_with(GZIP, file):
        return _records(file)
    return _unpacked(cast("IO[bytes]", gzip.GzipFile(fileobj=file)))


def _unpacked(file: IO[bytes]) -> Records:
    """What comes before the place at which a file is cut off or damaged is still read."""
    try:
        yield from _records(file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BadInputError(f"the file is not valid gzip: {error}.") from None


def _records(file: IO[bytes]) -> Records:
    if _begins_with(BYTE_ORDER_MARK, file):
        file.read(len(BYTE_ORDER_MARK))
    if _begins_with(b"[", file):
        return _items(file.read())
    return _json_lines(file) if _begins_with(b"{", file) else _rows(file)


def _begins_with(sign: bytes, file: IO[bytes]) -> bool:
    return cast("Peekable", file).peek(len(sign)).startswith(sign)


def _json_lines(file: IO[bytes]) -> Records:
    for number, line in enumerate(file, 1):
        if line.strip():
            yield _record(number, line)


def _record(number: int, line: bytes) -> Record:
    try:
        return _object(number, _decode(line))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Record(number, {"text": line.decode(errors="replace")}, f"is not valid JSON: {error}")
    except RecursionError:
        return Record(number, {}, "is nested too deeply")


def _items(text: bytes) -> Records:
    """Of one JSON array; an item's number stands for its line."""
    try:
        items = _decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInputError(f"the file is not valid JSON: {error}") from None
    return (_object(number, item) for number, item in enumerate(items, 1))


def _object(number: int, value: Any) -> Record:
    if isinstance(value, dict):
        return Record(number, value)
    return Record(number, {}, f"must be a JSON object, not {type(value).__name__}")


def _rows(file: IO[bytes]) -> Records:
    csv.field_size_limit(LONGEST_CELL)
    text = io.TextIOWrapper(cast("io.BufferedReader", file), "utf-8", newline="")
    rows = csv.reader(text, strict=True)
    try:
        heading = next(rows, [])
        if len(set(heading)) < len(heading) or not all(heading):
            raise BadInputError("the first line of the CSV must name each column, each once.")
        for row in rows:
            if row:
                yield _row(rows.line_num, heading, row)
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadInputError(f"line {rows.line_num + 1} is not valid CSV: {error}.") from None
    finally:
        text.detach()


def _row(line: int, heading: list[str], row: list[str]) -> Record:
    if len(row) != len(heading):
        return Record(line, {}, f"has {len(row)} cells; the heading has {len(heading)}")
    return Record(line, {name: cell for name, cell in zip(heading, row, strict=True) if cell}, is_text=True)
