from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from formicary.client import Recorder

from .stand_in import StandIn, standing_in

NewRecorder = Callable[..., Recorder]


@pytest.fixture
def server() -> Iterator[StandIn]:
    with standing_in() as server:
        yield server


@pytest.fixture
def new_recorder(server: StandIn) -> Iterator[NewRecorder]:
    """Makes recorders that send to the stand-in unless told otherwise, and closes them in the end."""
    with ExitStack() as stack:

        def make(url: str | None = None, **options: Any) -> Recorder:
            recorder = Recorder(url or server.url, **options)
            stack.callback(recorder.close, 0.1)
            return recorder

        yield make


@pytest.fixture
def recorder(new_recorder: NewRecorder) -> Recorder:
    return new_recorder()
