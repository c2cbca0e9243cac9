"""Recorders and the process that they live in: its end, and its children."""

import atexit
import os
import sys
import weakref
from typing import Protocol


class Mortal(Protocol):
    def close(self) -> None: ...

    def after_fork(self) -> None: ...


_living: "weakref.WeakSet[Mortal]" = weakref.WeakSet()


def remember(recorder: Mortal) -> None:
    """Close it at the end of the process, unless that is done before."""
    _living.add(recorder)
    atexit.register(recorder.close)


def forget(recorder: Mortal) -> None:
    _living.discard(recorder)
    atexit.unregister(recorder.close)


def close_with_child(recorder: Mortal) -> None:
    """Children of `multiprocessing` end without what is registered with `atexit`; they have a way of their own.

    To be called when the child is at work: what was registered while it was being made is forgotten.
    """
    if "multiprocessing.util" in sys.modules:
        from multiprocessing import parent_process, util

        if parent_process() is not None:
            util.Finalize(None, recorder.close, exitpriority=0)


def _begin_anew() -> None:
    for recorder in list(_living):
        recorder.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
