"""External ids for runs."""

import os
import time

_VERSION = 7 << 76
_VARIANT = 2 << 62
_RANDOM = ((1 << 76) - 1) & ~(0x3 << 62)


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): its head is the time, which keeps together in an index what is written together.

    Its random bits are the system's, so that processes that were forked off one another never give the same.
    """
    milliseconds = time.time_ns() // 1_000_000
    bits = milliseconds << 80 | _VERSION | _VARIANT | int.from_bytes(os.urandom(10)) & _RANDOM
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
