"""Arrays of whole numbers as PostgreSQL's `array_send` writes them, without their heads and one behind the other.

asyncpg makes an array element by element, 100 ns each; a figure of a month has a hundred thousand. Put together by
`string_agg`, arrays of any length come as bytes at the cost of copying them, and are merged by that alone.
"""

import sys
from array import array
from collections.abc import Sequence

HEAD = 20
"""Bytes before the elements: dimensions, whether there are nulls, type, length and lower bound. An empty array is
shorter than that."""


def sent_elements(arrays: str) -> str:
    """SQL for the bytes of the elements of all arrays of a group."""
    return f"string_agg(substr(array_send({arrays}), {HEAD + 1}), ''::bytea)"


def integers(elements: bytes) -> Sequence[int]:
    """Of arrays of `integer` without nulls, to be read once. Each element is four bytes, after its size in four."""
    return _words(elements)[1::2]


def large_integers(elements: bytes) -> list[int]:
    """The same of arrays of `bigint`, of twice four bytes."""
    words = _words(elements)
    return [high << 32 | low for high, low in zip(words[1::3], words[2::3], strict=True)]


def _words(elements: bytes) -> "array[int]":
    words = array("I", elements)
    if sys.byteorder == "little":
        words.byteswap()
    return words
