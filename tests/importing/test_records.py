"""Files of any kind give the same records, each with its line; what is no record says why."""

import gzip
from io import BufferedReader, BytesIO
from typing import IO, Any, cast

import pytest

from formicary.errors import BadInputError
from formicary.importing.records import Record, read


def file(content: bytes) -> IO[bytes]:
    return cast("IO[bytes]", BufferedReader(cast("Any", BytesIO(content))))


def records(content: bytes) -> list[Record]:
    return list(read(file(content)))


LINES = b'{"agent":"a"}\n\n{"agent":"b"}\n'


@pytest.mark.parametrize(
    "content", [LINES, gzip.compress(LINES), b"\xef\xbb\xbf" + LINES], ids=["plain", "gzip", "byte order mark"]
)
def test_json_lines_are_records_compressed_or_not(content: bytes) -> None:
    assert records(content) == [Record(1, {"agent": "a"}), Record(3, {"agent": "b"})]


def test_an_array_is_its_items() -> None:
    assert records(b'[{"agent":"a"}, 2]') == [
        Record(1, {"agent": "a"}),
        Record(2, {}, "must be a JSON object, not int"),
    ]


def test_rows_of_a_csv_are_texts_under_their_headings_without_empty_cells() -> None:
    content = b'agent,errorMessage,model\r\na,"two\nlines, and ""quotes""",\r\nb,,m\r\n'
    first, second = records(content)
    assert first == Record(3, {"agent": "a", "errorMessage": 'two\nlines, and "quotes"'}, is_text=True)
    assert second == Record(4, {"agent": "b", "model": "m"}, is_text=True)


@pytest.mark.parametrize(
    ("content", "line", "fault"),
    [
        (b'{"a":1}\nnonsense\n', 2, "is not valid JSON"),
        (b'{"a":1}\n{"a":"\xff"}\n', 2, "is not valid JSON"),
        (b'{"a":' + 100_000 * b"[" + b"\n", 1, ""),
        (b"agent,model\na\n", 2, "has 1 cells; the heading has 2"),
    ],
)
def test_a_line_that_is_no_record_says_why_and_the_others_are_read(content: bytes, line: int, fault: str) -> None:
    (faulty,) = (record for record in records(content) if record.fault is not None)
    assert faulty.line == line
    assert fault in faulty.fault if faulty.fault else pytest.fail("no fault")


@pytest.mark.parametrize("content", [b"[1,", b"a,a\n1,2\n", b'agent\n"open', b"agent\n\xff\n"])
def test_a_file_that_cannot_be_read_at_all_is_an_error(content: bytes) -> None:
    with pytest.raises(BadInputError):
        records(content)


@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8b",
        b"\x1f\x8bnonsense",
        gzip.compress(LINES)[:-1],
        gzip.compress(b"[1]")[:12],
        gzip.compress(LINES) + b"x",
    ],
    ids=["begun", "nonsense", "cut off", "array cut off", "followed by something else"],
)
def test_a_damaged_gzip_is_an_error_that_says_so(content: bytes) -> None:
    with pytest.raises(BadInputError, match=r"the file is not valid gzip: .+\."):
        records(content)


def test_what_comes_before_the_damage_of_a_gzip_is_read() -> None:
    found = read(file(gzip.compress(LINES) + b"x"))
    assert [next(found).line, next(found).line] == [1, 3]


def test_the_file_stays_open() -> None:
    opened = file(b"agent\na\n")
    list(read(opened))
    assert not opened.closed


def test_an_empty_file_has_no_records() -> None:
    assert records(b"") == []
