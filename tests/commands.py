"""The commands of the program as processes of their own."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import httpx2

FORMICARY = Path(sys.executable).with_name("formicary")
PATIENCE = 60


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FORMICARY_", "DATABASE_"))}
    return kept | settings


def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [FORMICARY, *arguments],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def only_line(text: str) -> str:
    (line,) = text.splitlines()
    return line


@dataclass
class Server:
    process: "subprocess.Popen[str]"
    ready: str = ""

    @property
    def url(self) -> str:
        return self.ready.removeprefix("Formicary is ready at ")

    def status(self, path: str = "/healthz", **headers: str) -> int:
        return httpx2.get(self.url + path, headers=headers).status_code

    def ask(self, **headers: str) -> "httpx2.Response":
        return httpx2.post(self.url + "/graphql", json={"query": "{ agents { totalCount } }"}, headers=headers)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        """Exit code, what else went to stdout, and stderr."""
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE), self.process.stdout.read(), self.process.stderr.read()


class Servers(ExitStack):
    """Processes that run until they are told to stop; at the end of the block they are killed."""

    def begin(self, *arguments: str, **settings: str) -> Server:
        return self.begin_command("serve", "--port", "0", *arguments, **settings)

    def begin_command(self, *arguments: str, **settings: str) -> Server:
        process = self.enter_context(
            subprocess.Popen(
                [FORMICARY, *arguments],
                env=environment(**settings),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        self.callback(process.kill)
        watchdog = Timer(PATIENCE, process.kill)
        watchdog.start()
        self.callback(watchdog.cancel)
        return Server(process)

    def start(self, *arguments: str, **settings: str) -> Server:
        return self._started(self.begin(*arguments, **settings))

    def start_worker(self, **settings: str) -> Server:
        return self._started(self.begin_command("worker", **settings))

    def _started(self, server: Server) -> Server:
        assert server.process.stdout is not None
        server.ready = server.process.stdout.readline().rstrip()
        return server
