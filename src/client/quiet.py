"""What agent code calls must never fail it."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from .notices import logger

P = ParamSpec("P")


def quietly(function: Callable[P, None]) -> Callable[P, None]:
    """A failure of the recorder itself is logged, and the agent goes on without having been recorded."""

    @wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            function(*args, **kwargs)
        except Exception:  # noqa: BLE001 - whatever it is, the agent goes on
            logger.exception("what the agent states cannot be recorded")

    return guarded
