"""What most servers never need is loaded when it is first asked for, and once."""

import asyncio
import subprocess
import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from formicary.edge.lazy import LazyEndpoint

LATER = ("google.protobuf", "opentelemetry.proto", "genai_prices")


def test_a_server_that_starts_has_not_loaded_them() -> None:
    script = f"import sys, formicary.cli.server; print([name for name in {LATER} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "[]\n"


async def test_requests_that_come_together_load_one_endpoint() -> None:
    loaded: list[ASGIApp] = []
    answered: list[Scope] = []

    async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
        answered.append(scope)

    def load() -> ASGIApp:
        loaded.append(endpoint)
        return endpoint

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    lazy = LazyEndpoint(load)
    await asyncio.gather(*(lazy({"type": "http", "number": number}, receive, send) for number in range(4)))
    assert len(loaded) == 1
    assert sorted(scope["number"] for scope in answered) == [0, 1, 2, 3]
