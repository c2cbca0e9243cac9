"""External ids for runs."""

import os
import random
import time

_VERSION = 7 << 76
_VARIANT = 2 << 62
_TAIL = (1 << 62) - 1

_random = random.Random()  # noqa: S311 - ids are no secrets; it is our own, so that no agent's seed makes ids repeat
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): its head is the time, which keeps together in an index what is written together.

    The rest is random, and in processes that were forked off one another never the same.
    """
    milliseconds, drawn = time.time_ns() // 1_000_000, _random.getrandbits(74)
    bits = milliseconds << 80 | _VERSION | drawn >> 62 << 64 | _VARIANT | drawn & _TAIL
    digits = f"{bits:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
