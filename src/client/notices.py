"""What the recorder has to say, in the log of `formicary.client`: each kind of trouble once a minute at most."""

import logging
import time

logger = logging.getLogger("formicary.client")

PAUSE = 60.0


class Notices:
    """One for each recorder. Never raises, as logging does not."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._left_out: dict[str, int] = {}

    def tell(self, kind: str, text: str, *args: object) -> None:
        """Warn, unless there was a warning of this kind within the last minute."""
        now = time.monotonic()
        if now - self._last.get(kind, -PAUSE) < PAUSE:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return
        self._last[kind] = now
        more = self._left_out.pop(kind, 0)
        logger.warning("%s%s", text % args, f" (and {more} times more before)" if more else "")

    def settle(self, kind: str, text: str, *args: object) -> None:
        """Say that trouble is over, if there was any."""
        if self._last.pop(kind, None) is not None:
            self._left_out.pop(kind, None)
            logger.info(text, *args)
