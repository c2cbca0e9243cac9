"""Arrays of whole numbers as PostgreSQL's `array_send` writes them, any number of them one behind the other.

asyncpg makes an array element by element, 100 ns each; a figure of a month has a hundred thousand. Put together by
`string_agg`, arrays of any length come as bytes at the cost of copying them, and are merged by that alone.
"""

import sys
from array import array

HEAD = 5
"""Words of 32 bits before the elements: dimensions (none of an empty array, and then no bounds), whether there are
nulls, type; length and lower bound. Each element follows a word with its size in bytes."""


def integers(arrays: bytes) -> list[int]:
    """The elements of arrays of `integer` or `bigint` without nulls."""
    words = array("I", arrays)
    if sys.byteorder == "little":
        words.byteswap()
    found: list[int] = []
    at = 0
    while at < len(words):
        at = _take(words, at, found) if words[at] else at + HEAD - 2
    return found


def _take(words: "array[int]", at: int, found: list[int]) -> int:
    """Add the elements of the array that begins `at` a word; gives where the next one begins."""
    first = at + HEAD
    step = 1 + words[first] // 4
    end = first + step * words[at + 3]
    lower = words[first + step - 1 : end : step]
    if step == 2:
        found += lower
    else:
        found += [high << 32 | low for high, low in zip(words[first + 1 : end : step], lower, strict=True)]
    return end
